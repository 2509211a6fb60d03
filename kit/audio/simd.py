"""A vector of floats as a numba type, so that compiled code uses the whole width of the machine.

`Vec` arithmetic (+, -, *, maximum, minimum) works on LANES numbers at once. LLVM turns it into
one or two instructions; its own vectoriser cannot, for it must assume that arrays overlap.
"""

import operator
import os

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_model

# AVX-512 holds 16 floats and has registers for them; elsewhere 8 spill less
_BEST = "16" if llvm.get_host_cpu_features().get("avx512f") else "8"
LANES = {"8": 8, "16": 16}.get(os.environ.get("KIT_LANES", _BEST), int(_BEST))
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INTS = ir.VectorType(ir.IntType(32), LANES)
_LONGS = ir.VectorType(ir.IntType(64), LANES)
_POINTERS = ir.VectorType(ir.PointerType(), LANES)
_FUSE = ("contract",)  # a * b + c may become one instruction


class _Vec(types.Type):
    def __init__(self):
        super().__init__(f"Vec{LANES}")


VEC = _Vec()


@register_model(_Vec)
class _VecModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _FLOATS)


@intrinsic
def load(context, address, index):
    """The Vec that starts at float `index * LANES` behind an address, such as `x.ctypes.data`.

    Addresses, not arrays: numba counts references of arrays around every call.
    """

    def build(context, builder, signature, args):
        return builder.load(_address(builder, args, LANES, _FLOATS), align=4)

    return VEC(types.uintp, types.intp), build


@intrinsic
def store(context, address, index, vec):
    """Write a Vec at float `index * LANES` behind an address."""

    def build(context, builder, signature, args):
        builder.store(args[2], _address(builder, args, LANES, _FLOATS), align=4)
        return context.get_dummy_value()

    return types.void(types.uintp, types.intp, VEC), build


@intrinsic
def spread_at(context, address, index):
    """A Vec with float `index` behind an address in every lane."""

    def build(context, builder, signature, args):
        return _spread(builder, builder.load(_address(builder, args, 1, ir.FloatType()), align=4))

    return VEC(types.uintp, types.intp), build


@intrinsic
def spread(context, number):
    """A Vec with the same number in every lane."""

    def build(context, builder, signature, args):
        return _spread(builder, args[0])

    return VEC(types.float32), build


def _address(builder, args, width, kind):
    """Pointer to element `args[1]` of `width` floats behind the address `args[0]`."""
    offset = builder.mul(args[1], ir.Constant(args[1].type, 4 * width))
    return builder.inttoptr(builder.add(args[0], offset), kind.as_pointer())


def _spread(builder, number):
    one = builder.insert_element(
        ir.Constant(_FLOATS, ir.Undefined), number, ir.Constant(ir.IntType(32), 0)
    )
    zeros = ir.Constant(_INTS, [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(_FLOATS, ir.Undefined), zeros)


def _arithmetic(python_operator, method):
    @intrinsic
    def apply(context, a, b):
        def build(context, builder, signature, args):
            return getattr(builder, method)(args[0], args[1], flags=_FUSE)

        return VEC(VEC, VEC), build

    @overload(python_operator)
    def resolve(a, b):
        if a == VEC and b == VEC:
            return lambda a, b: apply(a, b)
        return None


for _operator, _method in (
    (operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):  # fmt: skip
    _arithmetic(_operator, _method)


@intrinsic
def greater_of(context, a, b):
    """The larger number in each lane; NaN where the first is NaN."""

    def build(context, builder, signature, args):
        less = builder.fcmp_ordered("<", args[0], args[1])
        return builder.select(less, args[1], args[0])

    return VEC(VEC, VEC), build


@intrinsic
def root(context, a):
    """The square root in each lane."""

    def build(context, builder, signature, args):
        call = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_FLOATS, [_FLOATS]), f"llvm.sqrt.v{LANES}f32"
        )
        return builder.call(call, args)

    return VEC(VEC), build


@intrinsic
def split_float(context, a, part):
    """part 0: mantissa of a positive number, in [0.7, 1.4); part 1: its exponent."""

    def build(context, builder, signature, args):
        bits = builder.bitcast(args[0], _INTS)
        # counted from sqrt(1/2), so that the logarithm of the mantissa is small on both sides
        base = ir.Constant(_INTS, [0x3F3504F3] * LANES)
        steps = builder.ashr(builder.sub(bits, base), ir.Constant(_INTS, [23] * LANES))
        whole = builder.shl(steps, ir.Constant(_INTS, [23] * LANES))
        mantissa = builder.bitcast(builder.sub(bits, whole), _FLOATS)
        exponent = builder.sitofp(steps, _FLOATS)
        wanted = builder.icmp_signed("==", args[1], ir.Constant(args[1].type, 0))
        return builder.select(wanted, mantissa, exponent)

    return VEC(VEC, types.intp), build


@intrinsic
def gather(context, addresses, offset):
    """The float32 `offset` bytes behind each of LANES addresses.

    addresses: where these lie, as int64.
    """

    def build(context, builder, signature, args):
        return builder.bitcast(_gather(builder, args), _FLOATS)

    return VEC(types.uintp, types.intp), build


@intrinsic
def gather_pair(context, addresses, offset):
    """Two neighbouring int16 in each lane, as two Vec; see gather."""

    def build(context, builder, signature, args):
        both, half = _gather(builder, args), ir.Constant(_INTS, [16] * LANES)
        early = builder.sitofp(builder.ashr(builder.shl(both, half), half), _FLOATS)
        late = builder.sitofp(builder.ashr(both, half), _FLOATS)
        return context.make_tuple(builder, signature.return_type, (early, late))

    return types.UniTuple(VEC, 2)(types.uintp, types.intp), build


def _gather(builder, args):
    """<LANES x i32> from the addresses stored at args[0], each args[1] bytes further on."""
    where = builder.load(builder.inttoptr(args[0], _LONGS.as_pointer()), align=8)
    one = builder.insert_element(
        ir.Constant(_LONGS, ir.Undefined), args[1], ir.Constant(ir.IntType(32), 0)
    )
    zeros = ir.Constant(_INTS, [0] * LANES)
    far = builder.shuffle_vector(one, ir.Constant(_LONGS, ir.Undefined), zeros)
    pointers = builder.inttoptr(builder.add(where, far), _POINTERS)
    mask = ir.VectorType(ir.IntType(1), LANES)
    kind = ir.FunctionType(_INTS, [_POINTERS, ir.IntType(32), mask, _INTS])
    call = cgutils.get_or_insert_function(
        builder.module, kind, f"llvm.masked.gather.v{LANES}i32.v{LANES}p0"
    )
    rest = (ir.Constant(ir.IntType(32), 2), ir.Constant(mask, [1] * LANES), zeros)
    return builder.call(call, [pointers, *rest])
