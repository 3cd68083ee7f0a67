"""The memory of a mapped index: kept resident, as an evicted page costs a read from the disk, and not taken twice."""

import ctypes
import os
import resource

import structlog

log = structlog.get_logger()

_PAGE = os.sysconf("SC_PAGESIZE")


def lock_in_memory(address: int, size: int) -> bool:
    """Keeps `size` bytes of memory from `address` on resident. False where the system does not let us.

    Under a short memory a mapped index whose pages had been evicted answered 1,000 times slower. All processes that
    map the same file share the locked pages. The limit (RLIMIT_MEMLOCK) is raised as far as we may.
    """
    if size == 0:
        return True
    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
    start = address // _PAGE * _PAGE
    library = ctypes.CDLL(None, use_errno=True)
    if library.mlock(ctypes.c_void_p(start), ctypes.c_size_t(address + size - start)) == 0:
        return True
    log.info("the index is not locked in memory", reason=os.strerror(ctypes.get_errno()), size_mb=size >> 20)
    return False


def give_back_freed() -> None:
    """Returns to the system what the C library holds freed.

    FAISS makes room for every cell before it maps them: 175 MB stayed behind in each process after a map of 189 MB.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
    if trim is not None:
        trim(0)
