"""A report as a page: one file that asks for nothing else, and can be read where no script runs.

In: a Report, and what is known around it (a plan, problems, an image).  Out: HTML as text.
Imports: what formats may import; nothing else imports this room but the formats that are such pages.
"""
