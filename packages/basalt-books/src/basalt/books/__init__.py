"""Order events to price levels: the one book builder of Basalt."""

from basalt.books.building import BookBuilder, Sample
from basalt.books.messages import BookMessage, OrderFault
from basalt.books.queueing import QueueTracker
from basalt.books.reporting import BookReport, OrderReport
from basalt.books.tracking import OrderTracker
from basalt.books.warming import warm_up

__all__ = ["BookBuilder", "BookMessage", "BookReport", "OrderFault", "OrderReport", "OrderTracker", "QueueTracker", "Sample", "warm_up"]
