"""Reads the pickles of CIFAR without unpickling: a machine of our own that knows plain data and arrays.

Python's unpickler calls whatever a pickle names, and a pickle may make it take memory without end (LONG4, a memo
index of 2^31). Here nothing is imported and nothing of Python's is called; an instruction that is not among
OPERATIONS ends it.
"""

import pickle
import pickletools
import struct
from collections.abc import Callable

from ml.datasets.items import DataSetError
from ml.datasets.names import printable
from ml.datasets.pickle_arrays import NAMES, Announced, Name, call, expect, fill

MAX_OPERATIONS = 1_000_000  # each makes one object at most; CIFAR-100's train, the longest, has 200,000
MAX_TEXT_BYTES = 16 * 1024**2  # in all; the file names of CIFAR-100's train are 1.3 MB
MAX_NAME_BYTES = 200
PROTOCOLS = (2, 3, 4, 5)
NO_NEED = "which no CIFAR file needs"
INSTRUCTIONS = {ord(one.code): one.name for one in pickletools.opcodes}


def loads(data: bytes | bytearray, name: str, max_bytes: int) -> dict[str, object]:
    """The dict that a pickle of protocol 2 to 5 holds; `name` is the file, for messages.

    Keys and strings of up to 255 bytes are str, whether Python 2 wrote bytes or Python 3 text. Arrays lie in
    `data` itself and are not copied: uint8, int32 or int64, of one or two dimensions. Raises DataSetError for
    everything else, naming the class or the instruction.
    """
    if len(data) > max_bytes:
        raise DataSetError(f"{name} is too large: {len(data):,} bytes; the limit is {max_bytes:,}")
    try:
        found = _Machine(memoryview(data).toreadonly()).run()
    except DataSetError as error:
        raise DataSetError(f"{name} {error}") from None
    except (LookupError, TypeError, ValueError) as error:
        raise DataSetError(f"{name} is damaged: it is no pickle that can be read; fetch it again") from error
    if not isinstance(found, dict):
        raise DataSetError(f"{name} is a pickle, but of no batch: it holds no table of names and values")
    return {key: value.values if isinstance(value, Announced) else value for key, value in found.items()}


class _Machine:
    """Runs one pickle. Byte strings of up to 255 bytes become str (Latin-1 keeps every byte), longer ones views."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0
        self._stack: list[object] = []
        self._marks: list[int] = []
        self._memo: dict[int, object] = {}
        self._text_bytes = 0

    def run(self) -> object:
        """What the pickle holds. Raises DataSetError, and the errors of Python for what makes no sense."""
        for _ in range(MAX_OPERATIONS):
            code = self._take(1)[0]
            if code == pickle.STOP[0]:
                return self._stack.pop()
            if code not in OPERATIONS:
                what = INSTRUCTIONS.get(code, f"the byte {code}")
                raise DataSetError(f"holds {what}, {NO_NEED}: fetch the original again")
            OPERATIONS[code](self)
        raise DataSetError(f"holds more than {MAX_OPERATIONS:,} instructions, {NO_NEED}")

    def number(self, form: str) -> int:
        """The next number, in `struct`'s form."""
        return int(struct.unpack(form, self._take(struct.calcsize(form)))[0])

    def push(self, value: object) -> None:
        self._stack.append(value)

    def push_text(self, form: str, encoding: str) -> None:
        raw = self._take(self.number(form))
        self._text_bytes += len(raw)
        if self._text_bytes > MAX_TEXT_BYTES:
            raise DataSetError(f"holds more than {MAX_TEXT_BYTES:,} bytes of text, {NO_NEED}")
        self.push(str(raw, encoding))

    def push_bytes(self, form: str) -> None:
        self.push(self._take(self.number(form)))

    def push_tuple(self, count: int) -> None:
        self.push(tuple(self._pop(count)))

    def push_marked_tuple(self) -> None:
        self.push(tuple(self._pop_marked()))

    def check_protocol(self) -> None:
        if (protocol := self.number("<B")) not in PROTOCOLS:
            raise DataSetError(f"is a pickle of protocol {protocol}; {PROTOCOLS[0]} to {PROTOCOLS[-1]} can be read")

    def mark(self) -> None:
        self._marks.append(len(self._stack))

    def memoize(self) -> None:
        self.put(len(self._memo))

    def put(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def get(self, index: int) -> None:
        self.push(self._memo[index])

    def append(self) -> None:
        value = self._stack.pop()
        expect(list, self._stack[-1]).append(value)

    def extend(self) -> None:
        values = self._pop_marked()
        expect(list, self._stack[-1]).extend(values)

    def set_item(self) -> None:
        self._update(self._pop(2))

    def set_items(self) -> None:
        self._update(self._pop_marked())

    def push_name(self) -> None:
        """A name in two lines of text."""
        module, name, _ = bytes(self._data[self._at : self._at + MAX_NAME_BYTES]).split(b"\n", 2)
        self._take(len(module) + len(name) + 2)
        self._push_name(module.decode(), name.decode())

    def push_stacked_name(self) -> None:
        module, name = self._pop(2)
        self._push_name(expect(str, module), expect(str, name))

    def reduce(self) -> None:
        function, arguments = self._pop(2)
        self.push(call(expect(Name, function), expect(tuple, arguments)))

    def build(self) -> None:
        state = self._stack.pop()
        fill(self._stack[-1], expect(tuple, state))

    def _take(self, count: int) -> memoryview:
        taken = self._data[self._at : self._at + max(count, 0)]
        if len(taken) != count:
            raise DataSetError("is cut short: fetch it again")
        self._at += count
        return taken

    def _pop(self, count: int) -> list[object]:
        return [self._stack.pop() for _ in range(count)][::-1]

    def _pop_marked(self) -> list[object]:
        first = self._marks.pop()
        values = self._stack[first:]
        del self._stack[first:]
        return values

    def _update(self, pairs: list[object]) -> None:
        table = expect(dict, self._stack[-1])
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            table[expect(str, key)] = value

    def _push_name(self, module: str, name: str) -> None:
        if Name(module, name) not in NAMES:
            asked = printable(f"{module}.{name}")[:MAX_NAME_BYTES]
            raise DataSetError(
                f"asks for {asked}, {NO_NEED}, and may be hostile: nothing of it was run; fetch the original again"
            )
        self.push(Name(module, name))


Operation = Callable[[_Machine], object]

OPERATIONS: dict[int, Operation] = {
    code[0]: operation
    for code, operation in (
        (pickle.PROTO, _Machine.check_protocol),
        (pickle.FRAME, lambda machine: machine.number("<Q")),
        (pickle.MARK, _Machine.mark),
        (pickle.BINPUT, lambda machine: machine.put(machine.number("<B"))),
        (pickle.LONG_BINPUT, lambda machine: machine.put(machine.number("<I"))),
        (pickle.MEMOIZE, _Machine.memoize),
        (pickle.BINGET, lambda machine: machine.get(machine.number("<B"))),
        (pickle.LONG_BINGET, lambda machine: machine.get(machine.number("<I"))),
        (pickle.NONE, lambda machine: machine.push(None)),
        (pickle.NEWTRUE, lambda machine: machine.push(True)),
        (pickle.NEWFALSE, lambda machine: machine.push(False)),
        (pickle.BININT, lambda machine: machine.push(machine.number("<i"))),
        (pickle.BININT1, lambda machine: machine.push(machine.number("<B"))),
        (pickle.BININT2, lambda machine: machine.push(machine.number("<H"))),
        (pickle.SHORT_BINSTRING, lambda machine: machine.push_text("<B", "latin-1")),
        (pickle.SHORT_BINBYTES, lambda machine: machine.push_text("<B", "latin-1")),
        (pickle.SHORT_BINUNICODE, lambda machine: machine.push_text("<B", "utf-8")),
        (pickle.BINUNICODE, lambda machine: machine.push_text("<I", "utf-8")),
        (pickle.BINSTRING, lambda machine: machine.push_bytes("<i")),
        (pickle.BINBYTES, lambda machine: machine.push_bytes("<I")),
        (pickle.BINBYTES8, lambda machine: machine.push_bytes("<Q")),
        (pickle.BYTEARRAY8, lambda machine: machine.push_bytes("<Q")),
        (pickle.EMPTY_LIST, lambda machine: machine.push([])),
        (pickle.EMPTY_DICT, lambda machine: machine.push({})),
        (pickle.EMPTY_TUPLE, lambda machine: machine.push(())),
        (pickle.TUPLE1, lambda machine: machine.push_tuple(1)),
        (pickle.TUPLE2, lambda machine: machine.push_tuple(2)),
        (pickle.TUPLE3, lambda machine: machine.push_tuple(3)),
        (pickle.TUPLE, _Machine.push_marked_tuple),
        (pickle.APPEND, _Machine.append),
        (pickle.APPENDS, _Machine.extend),
        (pickle.SETITEM, _Machine.set_item),
        (pickle.SETITEMS, _Machine.set_items),
        (pickle.GLOBAL, _Machine.push_name),
        (pickle.STACK_GLOBAL, _Machine.push_stacked_name),
        (pickle.REDUCE, _Machine.reduce),
        (pickle.BUILD, _Machine.build),
    )
}
