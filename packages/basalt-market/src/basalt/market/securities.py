"""Contract of the static data: `reference`."""

from __future__ import annotations

from dataclasses import replace

from basalt.core.tables import Table
from basalt.market.columns import CURRENCY, INSTRUMENT_ID, LISTING_ID, MIC, PRICE, TICKER, instant, number, text, truth

REFERENCE = Table(
    name="reference",
    columns=(
        LISTING_ID,
        INSTRUMENT_ID,
        CURRENCY,
        text("Description", "Name of the security, long."),
        text("DisplayName", "Name of the security, for people."),
        text("FIGI", "Financial Instrument Global Identifier of the listing."),
        text("FIGIComposite", "The identifier of the country's composite."),
        text("FIGIShareClass", "The identifier of the share class."),
        text("ISIN", "International Securities Identification Number."),
        text("InstrumentType", "Kind of security."),
        truth("IsAlive", "Whether the listing is active on that day."),
        truth("IsPrimary", "Whether the venue is the security's primary market."),
        replace(MIC, required=True),
        text("MarketDataLevel", "Deepest data that exist: L1, L2 or L3."),
        text("OPOL", "Primary market of the security (official place of listing)."),
        text("OperatingMic", "Operator of the venue, as an ISO 10383 code."),
        text("ReutersInstrumentId", "Identifier of the security at Reuters."),
        text("ReutersOrganizationId", "Identifier of the issuer at Reuters."),
        text("ReutersQuoteId", "Identifier of the listing at Reuters."),
        text("SegmentCode", "Segment of the venue."),
        TICKER,
        instant("Date", "ms", "Day that the row is valid for, at midnight."),
        number("TickSize", PRICE, "Step that prices are multiples of on that day, where a feed tells or shows it. Not a vendor column."),
        text("Index", "Indices that the listing belongs to, separated by semicolons. Not a vendor column: universes `index=` read it."),
    ),
    identity=("ListingId", "Date"),
    folder="Reference",
    prefix="reference-",
    vendor_name="reference",
    doc="Identifiers and static facts of the listings of a venue, one row a listing and day.",
)
