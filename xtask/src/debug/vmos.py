import threading

import gdb


def fields(value):
    """Returns the fields of a structure, or of the current variant of an enumeration."""
    try:
        return [(f.name, value[f]) for f in value.type.strip_typedefs().fields()]
    except (TypeError, gdb.error):
        return []


def plain(value):
    """Returns the value inside cells and other wrappers."""
    while True:
        kind = value.type.strip_typedefs()
        if kind.code != gdb.TYPE_CODE_STRUCT:
            return value
        inner = [v for n, v in fields(value) if v.type.sizeof > 0 and n != "borrow"]
        if len(inner) != 1:
            return value
        value = inner[0]


def elements(vector):
    """Returns the elements of a Vec."""
    def pointer(value):
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR:
            return value
        for _, inner in fields(value):
            found = pointer(inner)
            if found is not None:
                return found
        return None
    start = pointer(vector["buf"])
    start = start.cast(vector.type.template_argument(0).pointer())
    return [(start + i).dereference() for i in range(int(vector["len"]))]


# Fields and variants that only wrap what is shown.
WRAPPERS = ("value", "pointer", "driver", "__0", "p", "v", "Some", "Virtio", None)


def alone(value, kind):
    """Returns the virtio device of a NetworkDevice whose other variant has no values: the debug information
    does not describe the variant that is left, which starts at the address of the whole."""
    start, end = "vmos_drivers::network::NetworkDevice<", ", vmos_drivers::ethernet::NoEthernet>"
    if not (str(kind).startswith(start) and str(kind).endswith(end)):
        return None
    transport = str(kind)[len(start) : -len(end)]
    device = gdb.lookup_type("vmos_drivers::virtio::net::Net<%s>" % transport)
    return value.address.cast(device.pointer()).dereference()


def named(value, name, depth=12):
    """Returns the first value of the type `name` in a value, through cells and references."""
    return next(all_named(value, name, depth), None)


def all_named(value, name, depth=12, path=""):
    kind = value.type.strip_typedefs()
    if str(kind).split("<")[0] == name:
        yield (path, value)
        return
    if depth == 0:
        return
    if kind.code == gdb.TYPE_CODE_PTR:
        target = str(kind.target())
        if target.startswith(("core::cell::", "vmos")) and int(value) != 0:
            yield from all_named(value.dereference(), name, depth - 1, path)
        return
    if str(kind).startswith("alloc::vec::Vec<"):
        if "vmos" in str(kind):
            for index, element in enumerate(elements(value)):
                yield from all_named(element, name, depth - 1, "%s[%d]" % (path, index))
        return
    if kind.code == gdb.TYPE_CODE_ARRAY:
        # Such as the drivers, which a board without devices does not have.
        if "vmos" in str(kind):
            first, last = kind.range()
            for index in range(first, last + 1):
                yield from all_named(value[index], name, depth - 1, path)
        return
    if kind.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        device = alone(value, kind)
        if device is not None:
            yield from all_named(device, name, depth - 1, path)
            return
        for field, inner in fields(value):
            wrapper = field in WRAPPERS
            inside = path if wrapper else (path + "." + field).lstrip(".")
            yield from all_named(inner, name, depth - 1, inside)


def function_at(address):
    block = gdb.execute("info symbol %#x" % address, to_string=True)
    return block.split(" in section")[0].strip()


def number(value):
    return int(plain(value))


class Vmos(gdb.Command):
    """Shows the devices of the board and the state of the kernel: vmos run, regions, registers,
    tasks, timers, queues."""

    def __init__(self):
        super().__init__("vmos", gdb.COMMAND_USER, prefix=True)


class Regions(gdb.Command):
    """Lists the board's regions. Each is also a variable: print/x $console_pl011"""

    def __init__(self):
        super().__init__("vmos regions", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        for key, base, size in REGIONS:
            print("%#014x  %#12x bytes  %s" % (base, size, key))


class Registers(gdb.Command):
    """Shows the registers of a device: vmos registers console. Without an argument, lists the
    devices."""

    def __init__(self):
        super().__init__("vmos registers", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        wanted = argument.strip()
        found = [key for key in DEVICES if wanted and wanted in key]
        if not found:
            print("devices: " + ", ".join(sorted(DEVICES)))
        for key in found:
            base, registers = DEVICES[key]
            print("%s at %#x" % (key, base))
            for name, offset, width in registers:
                memory = gdb.selected_inferior().read_memory(base + offset, width)
                value = int.from_bytes(bytes(memory), "little")
                print("  %-18s %#0*x" % (name, 2 + 2 * width, value))

    def complete(self, text, word):
        return [key for key in DEVICES if key.startswith(text)]


class Tasks(gdb.Command):
    """Lists the tasks with their names and states: ready, waiting or not started."""

    def __init__(self):
        super().__init__("vmos tasks", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        header = gdb.lookup_type("embassy_executor::raw::TaskHeader").pointer()
        for name, address in POOLS:
            task = gdb.Value(address).cast(header)
            state = number(task["state"])
            if not state & 1:
                said = "not started"
            elif state & 2:
                said = "ready"
            else:
                said = "waiting"
            print("%#014x  %-11s  %s" % (address, said, name))


class Timers(gdb.Command):
    """Lists the deadlines that tasks wait for, in nanoseconds of the kernel's clock."""

    def __init__(self):
        super().__init__("vmos timers", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        queue = gdb.parse_and_eval("vmos::time::DEADLINES")
        _, queue = named(queue, "vmos::time::queue::DeadlineQueue")
        entries = elements(queue["heap"])
        if not entries:
            print("no task waits for a deadline")
        pools = {address: name for name, address in POOLS}
        for entry in sorted(entries, key=lambda entry: int(entry["deadline"])):
            data = int(entry["waker"]["waker"]["data"])
            whose = pools.get(data, "the task at %#x" % data)
            print("%16d ns  %s" % (int(entry["deadline"]), whose))


class Queues(gdb.Command):
    """Lists the virtqueues of the devices: chains in flight, free descriptors, and indices."""

    def __init__(self):
        super().__init__("vmos queues", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        state = gdb.parse_and_eval("vmos::debugger::STATE")
        state = plain(state)
        if int(state) == 0:
            print("the devices have not been found yet")
            return
        print("in flight  free  available  used  queue")
        devices = state.dereference()["devices"]
        # A driver can be found through its users as well as through its owner.
        queues = {}
        for path, queue in all_named(devices, "vmos_drivers::virtio::queue::Queue", 20):
            queues.setdefault(int(queue.address), (path.removeprefix("drivers."), queue))
        for path, queue in queues.values():
            get = lambda field: int(queue[field])
            # The indices have 16 bits and wrap.
            in_flight = (get("published") - get("taken")) & 0xffff
            row = (in_flight, get("free"), get("available"), get("taken"), path)
            print("%9d  %4d  %9d  %4d  %s" % row)


class Run(gdb.Command):
    """Runs the machine for the given number of seconds (default: 1), then stops it: vmos run 2"""

    def __init__(self):
        super().__init__("vmos run", gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        stop = lambda: gdb.post_event(lambda: gdb.execute("interrupt"))
        threading.Timer(float(argument or 1), stop).start()
        gdb.execute("continue")


for command in (Vmos, Run, Regions, Registers, Tasks, Timers, Queues):
    command()
