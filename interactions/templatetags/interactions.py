from django import template

from interactions.agreements.choices import CommitmentState
from interactions.log import richtext
from interactions.log.choices import Channel, Sentiment

register = template.Library()

CHANNEL_ICONS = {
    Channel.NOTE: "journal-text",
    Channel.CALL: "telephone",
    Channel.EMAIL: "envelope",
    Channel.MEETING: "people",
    Channel.VIDEO: "camera-video",
    Channel.CHAT: "chat",
    Channel.SOCIAL: "at",
    Channel.MESSAGE: "phone",
    Channel.LETTER: "envelope-paper",
}
SENTIMENT_ICONS = {
    Sentiment.VERY_NEGATIVE: "emoji-angry",
    Sentiment.NEGATIVE: "emoji-frown",
    Sentiment.NEUTRAL: "emoji-neutral",
    Sentiment.POSITIVE: "emoji-smile",
    Sentiment.VERY_POSITIVE: "emoji-laughing",
}


@register.filter
def markdown(text):
    return richtext.to_html(text)


@register.filter
def channel_icon(channel):
    return CHANNEL_ICONS.get(channel, "journal-text")


@register.filter
def sentiment_icon(value):
    return SENTIMENT_ICONS.get(int(value), "emoji-neutral") if value not in (None, "") else "emoji-neutral"


@register.filter
def settled_tone(state):
    return {CommitmentState.KEPT: "green", CommitmentState.BROKEN: "red"}.get(state, "")
