"""faiss without types: those its wrapper derives from C++ do not know what its Python part adds."""

from typing import Any

import faiss as _faiss

faiss: Any = _faiss
