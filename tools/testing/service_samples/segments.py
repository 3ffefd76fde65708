from crm.core.base.principals import SYSTEM
from tools.testing.samples import TODAY, Sample, declare

RULE = {"match": "all", "rules": [{"field": "status", "op": "is", "values": ["active"]}]}
declare(
    "clients.segments.services",
    create_segment=lambda own: {"name": "Former", "rule": RULE},
    update_segment=lambda own: {"segment": own("own segment"), "name": "Active"},
    delete_segment=lambda own: {"segment": own("shared segment"), "now": own.now},
    restore_segment=lambda own: {"segment": own("deleted segment")},
    note_members=Sample(
        lambda own: {"segment": own("shared segment"), "today": TODAY, "now": own.now}, by=lambda own: SYSTEM
    ),
)
