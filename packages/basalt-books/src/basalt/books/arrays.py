"""Names for the types of arrays that kernels work on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Long = int | np.int64
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Bytes = NDArray[np.int8]
Truths = NDArray[np.bool_]
Rows = tuple[Bytes, Longs, Longs]
"""Side, price and size by row."""
State = tuple[Long, Long, Long]
"""Side, price and size of one order or level."""
