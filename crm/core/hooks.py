"""What the kernel registers, room by room."""

from crm.core.archive import hooks as archive  # noqa: F401  tables, jobs, navigation
from crm.core.bulk import hooks as bulk  # noqa: F401  background of bulk actions
from crm.core.fields.custom import hooks as fields  # noqa: F401  navigation, action
from crm.core.importing import hooks as importing  # noqa: F401  navigation, tick part
from crm.core.mail import hooks as mail  # noqa: F401  tick part, banners, navigation
from crm.core.people import hooks as people  # noqa: F401  people, settings, search: navigation, actions
from crm.core.status import hooks as status  # noqa: F401  banner
