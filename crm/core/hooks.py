from crm.core import (
    hooks_imports,  # noqa: F401  imports: navigation, tick part
    hooks_mail,  # noqa: F401  mail: tick part, banners, navigation
    hooks_people,  # noqa: F401  people, settings, search: navigation, actions
)
