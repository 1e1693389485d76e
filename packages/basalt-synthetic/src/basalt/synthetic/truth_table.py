"""The `truth` rows: acts of the event loop, and prints."""

from __future__ import annotations

import numpy as np

from basalt.synthetic import world
from basalt.synthetic.book_tables import acts_of
from basalt.synthetic.clocks import LIT_SOURCE, PRINT_SOURCE, sequence
from basalt.synthetic.counting import counted
from basalt.synthetic.deals import Deals
from basalt.synthetic.entries import Entries, joined
from basalt.synthetic.facts import INSTRUMENT_ID, LISTING_ID, MIC
from basalt.synthetic.group import Group
from basalt.synthetic.layouts import Clock, Exact, Flag, Layout, Name, Same, Sequence, Whole, Word
from basalt.synthetic.truth import ACTIONS, ORDER_KINDS, TAKER_KINDS, TRUTH

_ACTS = {
    "trade": world.TRADE,
    "act": world.ACT,
    "Side": world.SIDE,
    "order": world.ORDER,
    "kind": world.KIND,
    "ParentId": world.PARENT,
    "DisplayedSize": world.SIZE,
    "HiddenSize": world.HIDDEN_LEFT,
    "AggressorSide": world.TAKER_SIDE,
    "AggressorParentId": world.TAKER_PARENT,
    "taker": world.TAKER_KIND,
    "AggressorSize": world.TAKER_SIZE,
    "retail": world.TAKER_RETAIL,
}
_NULLABLE = ("EventNo", "ParentId", "DisplayedSize", "HiddenSize", "AggressorParentId", "AggressorSize")
_NO_KIND, _NOBODY = len(ORDER_KINDS), len(TAKER_KINDS)

DEEDS = Layout(
    table=TRUTH,
    whole=(*_ACTS, "EventNo", "source"),
    exact=("LatentPrice",),
    kinds={
        "ListingId": LISTING_ID,
        "InstrumentId": INSTRUMENT_ID,
        "MIC": MIC,
        "TradeDate": Same(),
        "TimestampNanoseconds": Clock(),
        "BMLLSequenceNo": Sequence(),
        "BMLLSequenceSource": Whole("source"),
        "TradeId": Name("trade"),
        "Action": Word("act", ACTIONS),
        "Side": Whole("Side"),
        "OrderId": Name("order"),
        "OrderKind": Word("kind", (*ORDER_KINDS, "")),
        "AggressorSide": Whole("AggressorSide"),
        "AggressorKind": Word("taker", (*TAKER_KINDS, "")),
        "AggressorIsRetail": Flag("retail", may_miss=True),
        "LatentPrice": Exact("LatentPrice"),
        **{name: Whole(name, may_miss=True) for name in _NULLABLE},
    },
)
"""The `truth` rows."""


def truth_entries(group: Group, deals: Deals) -> Entries:
    """One for each act and each print; *deals* are those of the trades table."""
    return joined([_acts(group), _prints(group, deals)])


def _acts(group: Group) -> Entries:
    shown = np.flatnonzero(group.chosen[group.numbers])
    numbers, nanos = group.numbers[shown], group.nanos[shown]
    whole = acts_of(group, shown, list(_ACTS.values()), 2)
    field = {name: whole[:, DEEDS.place(name)] for name in DEEDS.whole}
    visible, gone = group.rows[world.ACTION][shown] != world.UNSEEN, field["order"] == world.NOTHING
    field["order"][gone] = group.rows[world.OLD_ORDER][shown[gone]]
    field["EventNo"][:] = world.NOTHING
    field["EventNo"][visible] = counted(numbers[visible], len(group.listings))
    nobody = field["AggressorParentId"] == world.NOTHING
    for name, value in (("taker", _NOBODY), ("AggressorSize", world.NOTHING), ("retail", world.NOTHING)):
        field[name][nobody] = value
    field["source"][:] = LIT_SOURCE
    return Entries(sequence(nanos, group.slots[numbers], group.rows[world.TIE][shown]), whole, group.latent()[shown][:, np.newaxis])


def _prints(group: Group, deals: Deals) -> Entries:
    off_book = deals.take(np.flatnonzero(deals.source == PRINT_SOURCE))
    whole = np.full((off_book.nanos.size, 1 + len(DEEDS.whole)), world.NOTHING, dtype=np.int32)
    whole[:, 0] = group.listing_numbers[off_book.number]
    columns: dict[str, np.ndarray | int] = {
        "trade": off_book.trade,
        "act": ACTIONS.index("PRINT"),
        "Side": 0,
        "kind": _NO_KIND,
        "AggressorSide": off_book.taker,
        "taker": _NOBODY,
        "retail": off_book.is_retail,
        "source": PRINT_SOURCE,
    }
    for name, values in columns.items():
        whole[:, DEEDS.place(name)] = values
    keys = sequence(off_book.nanos, group.slots[off_book.number], off_book.tie)
    return Entries(keys, whole, off_book.latent[:, np.newaxis])
