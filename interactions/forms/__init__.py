from interactions.forms.agreements import CadenceForm, CommitmentForm, DecisionForm, SettleForm
from interactions.forms.composer import CorrectForm, LogForm
from interactions.forms.follow_ups import FollowUpForm, OutcomeForm, ReassignForm, SnoozeForm
from interactions.forms.surveys import AnswerForm

__all__ = [
    "AnswerForm",
    "CadenceForm",
    "CommitmentForm",
    "CorrectForm",
    "DecisionForm",
    "FollowUpForm",
    "LogForm",
    "OutcomeForm",
    "ReassignForm",
    "SettleForm",
    "SnoozeForm",
]
