"""script/faults: real servers, real workers, a real mail server, and everything that can go wrong with them.

`world` runs the servers, `sink` is the mail server, `orders` are a mail's instructions to the sink; `kinds` are the
faults, `writer` queues mails meanwhile, `run` is the long run, `verdict` counts; `sender` and `stages` are the step
loop, `broken` the negative controls, `throughput` the measurement without faults. docs/delivery.md says what it shows
and what it does not.
"""
