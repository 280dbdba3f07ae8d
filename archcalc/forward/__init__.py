"""What an executed forward pass is made of: arrays that are accounted, windows as views, tiles.

In: NumPy arrays [N, H, W, C] and a seed.  Out: what slicing them gives; no shape rule is ever called.
Imports: the ground.
"""
