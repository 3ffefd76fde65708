"""script/upgrade-test: an old commit's data folder, upgraded by the code of this checkout.

A refactoring may move every module. It must keep the rows, the links in people's mailboxes and the waiting mails. This
side uses as few names of the product as possible: commands, pages, tables. The names of the old code are in
`old_<commit>.py`.
"""
