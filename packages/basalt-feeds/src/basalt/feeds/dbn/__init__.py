"""Databento: DBN files and the vendor's CSV form.

Rooms: `finding` (paths → files), `opening` (a file → bytes), `records` (bytes of DBN → frames), `texts` (bytes of CSV → the same
frames), `naming` (numbers of instruments → listings), `flow` (order events → l3, l2, trades), `levels` (books and trades → l2, trades),
`facts` (definitions, phases, figures, imbalances), `importing` (paths → lake), `exporting` (a day of a lake → DBN).
"""
