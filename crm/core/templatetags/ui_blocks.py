"""`{% component "card" title="…" %} … {% slot "actions" %} … {% endslot %} {% endcomponent %}`.

Renders templates/components/card.html with the given values only (like `include … only`), the body as `slot` and each
named slot under its own name. Body and slots see the page's context, the component does not.
"""

from django import template
from django.template.base import token_kwargs

SLOTS = "component_slots"


class SlotNode(template.Node):
    child_nodelists = ("nodelist",)

    def __init__(self, name, nodelist):
        self.name, self.nodelist = name, nodelist

    def render(self, context):
        stack = context.render_context.get(SLOTS)
        if stack:
            body = self.nodelist.render(context)
            stack[-1][self.name.resolve(context)] = body if body.strip() else ""
        return ""


class ComponentNode(template.Node):
    child_nodelists = ("nodelist",)

    def __init__(self, name, values, nodelist):
        self.name, self.values, self.nodelist = name, values, nodelist

    def render(self, context):
        stack = context.render_context.setdefault(SLOTS, [])
        stack.append({})
        try:
            body = self.nodelist.render(context)
        finally:
            slots = stack.pop()
        values = {key: value.resolve(context) for key, value in self.values.items()}
        found = context.template.engine.get_template(f"components/{self.name.resolve(context)}.html")
        return found.render(context.new(values | slots | {"slot": body if body.strip() else ""}))


def do_component(parser, token):
    bits = token.split_contents()[1:]
    if not bits:
        raise template.TemplateSyntaxError('component needs a name: {% component "card" title=… %}')
    name, rest = parser.compile_filter(bits[0]), bits[1:]
    values = token_kwargs(rest, parser)
    if rest:
        raise template.TemplateSyntaxError(f"component takes name=value only; found {rest[0]!r}")
    nodelist = parser.parse(("endcomponent",))
    parser.delete_first_token()
    return ComponentNode(name, values, nodelist)


def do_slot(parser, token):
    bits = token.split_contents()
    if len(bits) != 2:
        raise template.TemplateSyntaxError('slot needs one name: {% slot "actions" %}')
    nodelist = parser.parse(("endslot",))
    parser.delete_first_token()
    return SlotNode(parser.compile_filter(bits[1]), nodelist)
