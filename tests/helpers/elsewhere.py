"""A device that this machine does not have: its tensors cannot be used on the CPU."""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

aten = torch.ops.aten

# An index may come from the CPU.
_TAKES_BOTH = (aten.index.Tensor, aten.index_put_.default)


class Elsewhere(Tensor):
    """A tensor on a pretended device: not usable together with tensors of the CPU."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor):
        made = Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device="meta",
        )
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise AssertionError(f"{func} ran outside the pretended device")


class PretendedDevice(TorchDispatchMode):
    """Runs operations on "meta" tensors on the CPU, and watches the border.

    Attributes
    ----------
    mixed : list of str
        Operations that were given tensors of both sides, which a device refuses.
    to_host : int
        How often the CPU had to wait for something.
    sent, fetched : list of int
        Elements of what was copied to the device and from it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mixed: list[str] = []
        self.to_host = 0
        self.sent: list[int] = []
        self.fetched: list[int] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        here = [x for x in tensors if isinstance(x, Elsewhere)]
        target = kwargs.get("device")
        lands_elsewhere = target.type == "meta" if target is not None else bool(here)
        copies = func is aten._to_copy.default or func is aten.copy_.default
        if here and func not in _TAKES_BOTH and not copies:
            self.mixed += [
                str(func)
                for x in tensors
                if not isinstance(x, Elsewhere) and x.dim() > 0
            ]
        waits = (aten._local_scalar_dense.default, aten.nonzero.default)
        if here and (func in waits or (copies and not lands_elsewhere)):
            self.to_host += 1
        if copies and func is aten.copy_.default:
            lands_elsewhere = isinstance(args[0], Elsewhere)
        if (
            copies
            and lands_elsewhere
            and not all(isinstance(x, Elsewhere) for x in tensors)
        ):
            self.sent.append(tensors[-1].numel())
        if copies and here and not lands_elsewhere:
            self.fetched.append(tensors[-1].numel())
        if lands_elsewhere and target is not None:
            kwargs["device"] = torch.device("cpu")
        wrappers = {id(x.inner): x for x in here}
        inside: tuple[Any, Any] = tree_map(
            lambda x: x.inner if isinstance(x, Elsewhere) else x, (args, kwargs)
        )
        out = func(*inside[0], **inside[1])
        if not lands_elsewhere:
            return out
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor) and id(leaf) not in wrappers:
                wrappers[id(leaf)] = Elsewhere(leaf)
        return tree_map(lambda x: wrappers[id(x)] if isinstance(x, Tensor) else x, out)
