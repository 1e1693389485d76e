"""Holding: states that stand from one row of a listing to the next, folded into buckets row by row.

A book says what is, not what happened: a row's values hold until the next row of its listing, over
the ends of buckets. `streaming.hold` reads rows window by window, in the order of events, keeps for each
listing its last row and its open bucket, and gives for each bucket in which something happened what the
values did in it. Memory does not grow with the number of rows.

rows → `windows` → `cells` (events: rows and changes of phase; buckets) → `tallying` (values) → a LazyFrame

The loops over rows are kernels, which are imported when the first rows come.
"""

KERNELS = ("basalt.core.holding.dividing_kernel", "basalt.core.holding.summing_kernel")
"""Modules of the compiled loops: half a second of imports that passes without states need not wait for."""
