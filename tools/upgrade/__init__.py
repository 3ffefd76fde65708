"""script/upgrade-test: an old commit's data folder, taken over by the code of this checkout.

A refactoring may move every module. It must keep the rows, the links in people's mailboxes and the mails that wait. This side uses as few
names of the product as it can: its commands, its pages, its tables. The names of the old code stand in `old_<commit>.py`.
"""
