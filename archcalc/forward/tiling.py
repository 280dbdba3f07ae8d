"""How much the forward pass works on at a time, so that its workspace is bounded and known beforehand.

No NumPy here: the same figures predict the memory (`Layer.workspace`) and rule the loops (arrays.py).
"""

IM2COL = 2**22  # values of an im2col block, unless a single row of outputs needs more: 16 MiB in single precision
TILE = 2**16  # values of a tile of an element by element operation: small enough for a core's cache
DRAWN = 2**14  # weights drawn at a time, from 2 random bytes each
RESERVED = 2 * DRAWN  # bytes for these, counted throughout the run


def im2col_block(images: int, rows: int, row_values: int) -> tuple[int, int]:
    """How many images, and how many rows of outputs of each, one im2col block takes.

    `row_values`: values of the im2col matrix for one row of outputs.  Whole images where several fit, else
    rows of one image; at least one row.
    """
    fitting = max(1, IM2COL // row_values)
    return (1, fitting) if fitting < rows else (min(images, fitting // rows), rows)


def tile_rows(rows: int, columns: int) -> int:
    """How many of `rows` rows a tile takes; at least one."""
    return min(rows, max(1, TILE // columns))
