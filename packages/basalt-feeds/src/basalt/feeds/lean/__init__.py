"""LEAN ticks of US equities: quotes and trades of the consolidated tape into tables of a lake.

Source:
    LEAN's data formats for equity ticks; its TradeConditionFlags and QuoteConditionFlags.
"""
