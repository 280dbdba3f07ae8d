"""What an editor shows of a spec that is being written: explanations, words that may follow, repairs that work.

In: a text, perhaps broken, and its Examination.  Out: plain data with places as in findings (lines and columns from 1, in
code points); nothing here knows an editor's protocol.
Imports: the ground, reader, layers, language, analysis, checks, architecture, authoring.
"""
