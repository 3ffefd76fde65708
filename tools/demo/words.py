"""Texts of the demo firm: subjects, summaries, sentiment, decisions, next steps."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Talk:
    channel: str
    subject: str
    body: str
    sentiment: int | None = None
    decision: str = ""
    next_step: str = ""
    minutes: int | None = None


STEADY = (
    Talk(
        "phone",
        "Month-end questions",
        "Two accruals were unclear. Explained both; {first} will send the supplier statement.",
        0,
        minutes=14,
    ),
    Talk(
        "meeting",
        "Quarterly review",
        "Went through the quarter with {first}. Margins are holding, cash is fine until summer. They like the one-page summary.",
        1,
        "We keep the one-page summary and add cash by week.",
        "Add cash by week to the summary",
        55,
    ),
    Talk(
        "email",
        "Documents received",
        "All bank statements for the month are here. One page was missing and came the same day.",
        None,
    ),
    Talk(
        "video",
        "Walkthrough of the report",
        "Showed the new report to {first}. Asked for the figures by cost centre as well.",
        1,
        "",
        "Report by cost centre",
        35,
    ),
    Talk(
        "phone",
        "Payroll change",
        "Two new employees from the first of next month. Contracts are signed, tax cards follow.",
        0,
        minutes=9,
    ),
    Talk(
        "chat",
        "Quick answer on VAT",
        "Asked whether the invoice to Norway carries VAT. It does not; pointed to the export rule.",
        1,
    ),
    Talk(
        "email",
        "Draft accounts sent",
        "Sent the draft accounts with a list of three open points.",
        None,
        "",
        "Call about the three open points",
    ),
    Talk(
        "meeting",
        "Planning for next year",
        "They plan to open a second site. Went through what changes for payroll and for reporting.",
        1,
        "Second site is set up as its own cost centre from January.",
        "Send the plan for the second site",
        60,
    ),
    Talk("note", "", "{first} prefers calls before noon. Keep mails short and put the question first."),
    Talk(
        "phone",
        "Auditor’s question answered",
        "The auditor asked for the lease schedule. Sent it while on the phone; nothing else is open.",
        1,
        minutes=11,
    ),
    Talk(
        "video",
        "Handover within their team",
        "A new colleague takes over the daily bookkeeping questions. Went through our shared folder together.",
        0,
        minutes=40,
    ),
    Talk("letter", "Signed engagement letter", "The signed letter for the year arrived.", None),
    Talk("message", "Reminder about receipts", "Sent a short reminder; the receipts came the same afternoon.", 0),
    Talk(
        "phone",
        "Cash flow before the holidays",
        "Checked the next six weeks together. One large payment moves to January.",
        0,
        "",
        "",
        18,
    ),
)
GROWING = (
    Talk(
        "meeting",
        "New scope",
        "They want payroll for the second company as well. Asked for a price by the end of the week.",
        2,
        "Payroll for the second company starts next quarter.",
        "Send the price for the second company",
        50,
    ),
    Talk(
        "phone",
        "Thanks after the audit",
        "The board was pleased with how calm the audit went. {first} would recommend us.",
        2,
        minutes=12,
    ),
    Talk(
        "video",
        "Dashboard for the board",
        "Agreed what the board sees each month: cash, margin, orders, people.",
        1,
        "The board gets four figures each month.",
        "",
        45,
    ),
)
AT_RISK = (
    Talk(
        "phone",
        "Late answers",
        "{first} is annoyed: two questions waited for more than a week. Apologised and promised an answer within two days from now on.",
        -2,
        "We answer every question within two working days.",
        "Check that no question is older than two days",
        21,
    ),
    Talk(
        "email",
        "Invoice questioned",
        "They ask why the hours for March are higher than planned. Sent the breakdown.",
        -1,
        "",
        "Call about the March invoice",
    ),
    Talk(
        "meeting",
        "Difficult meeting",
        "Long talk about what went wrong with the closing. They compare offers. They want one person who answers.",
        -1,
        "One named person answers; a short call every second Monday.",
        "",
        70,
    ),
)
QUIET = (
    Talk("email", "No answer yet", "Third mail without an answer about the open receipts.", -1),
    Talk("phone", "Not reached", "Left a message with the front desk.", None, minutes=2),
)
ONBOARDING = (
    Talk(
        "meeting",
        "Kickoff",
        "Met everyone who will work together. Went through the plan task by task and agreed who does what.",
        1,
        "Weekly call on Tuesdays until the first run.",
        "Send the notes of the kickoff",
        60,
    ),
    Talk("email", "Access to systems", "Sent the short guide for creating our read-only user.", 0),
    Talk(
        "phone",
        "First questions",
        "{first} asked which reports we need from the old provider. Sent the list.",
        1,
        "",
        "",
        16,
    ),
)
PROSPECT = (
    Talk(
        "meeting",
        "First meeting",
        "They outgrew their bookkeeper. Looking for payroll and monthly figures. Decision within two months.",
        1,
        "",
        "Send the offer",
        45,
    ),
    Talk("email", "Offer sent", "Sent the offer with two variants.", 0, "", "Call about the offer"),
)
COMMENTS = {
    "good": (
        "Quick answers, and we always know what comes next.",
        "The weekly mail saves me an hour every Friday.",
        "Calm and precise. I sleep better during closing.",
        "You explain things so that my board understands them.",
        "",
    ),
    "middle": (
        "Good work, though the portal of our bank still makes trouble.",
        "Fine. More proactive advice would help.",
        "",
    ),
    "bad": (
        "Two questions waited for more than a week.",
        "Too many different people answer.",
        "We were surprised by the invoice.",
    ),
}
GOALS = (
    "Close the year by March without surprises.",
    "Know the cash position every Monday morning.",
    "Open a second site without hiring another bookkeeper.",
    "Payroll right the first time, every month.",
    "Figures the board understands on one page.",
)
EXPECTATIONS = (
    "An answer within two working days, and one person we can call.",
    "No surprises: tell us early when something moves.",
    "A short progress email every Friday before lunch.",
)


@dataclass(frozen=True)
class TaskWords:
    title: str
    side: str
    role: str
    days: int
    after: str = ""
    is_mandatory: bool = True
    is_client_visible: bool = True
    instructions: str = ""


TEMPLATES = {
    "Payroll client": {
        "description": "From the signed letter to the first payroll run.",
        "phases": (
            (
                "Agree",
                (
                    TaskWords("Kickoff meeting", "firm", "Account manager", 0),
                    TaskWords(
                        "Engagement letter signed",
                        "client",
                        "Client signer",
                        3,
                        "",
                        True,
                        True,
                        "Read, sign and send back. Call us with any question first.",
                    ),
                    TaskWords("Conflict check", "firm", "Compliance", 0, "", True, False),
                ),
            ),
            (
                "Set up",
                (
                    TaskWords(
                        "Access to accounting system",
                        "client",
                        "Client IT",
                        1,
                        "Engagement letter signed",
                        True,
                        True,
                        "Create a read-only user for us and confirm here. It takes about ten minutes.",
                    ),
                    TaskWords(
                        "Chart of accounts mapped",
                        "firm",
                        "Payroll specialist",
                        4,
                        "Access to accounting system",
                        True,
                        False,
                    ),
                    TaskWords(
                        "Employee list",
                        "client",
                        "Client HR",
                        3,
                        "Engagement letter signed",
                        True,
                        True,
                        "Use our sheet: one row a person, no blanks.",
                    ),
                    TaskWords("Welcome call with staff", "firm", "Account manager", 8, "", False),
                ),
            ),
            (
                "First run",
                (
                    TaskWords("First payroll run", "firm", "Payroll specialist", 5, "Chart of accounts mapped"),
                    TaskWords("Review with client", "firm", "Account manager", 1, "First payroll run"),
                ),
            ),
        ),
    },
    "Bookkeeping takeover": {
        "description": "Taking over the books from another provider in the middle of a year.",
        "phases": (
            (
                "Agree",
                (
                    TaskWords("Kickoff meeting", "firm", "Account manager", 0),
                    TaskWords(
                        "Letter to the previous provider",
                        "client",
                        "Client signer",
                        2,
                        "",
                        True,
                        True,
                        "We send you the text; it only needs your signature.",
                    ),
                ),
            ),
            (
                "Take over",
                (
                    TaskWords(
                        "Opening balances received", "client", "Client finance", 8, "Letter to the previous provider"
                    ),
                    TaskWords("Bank connections", "client", "Client finance", 4, "Kickoff meeting"),
                    TaskWords(
                        "Opening balances checked", "firm", "Bookkeeper", 4, "Opening balances received", True, False
                    ),
                    TaskWords("Shared folder explained", "firm", "Account manager", 5, "", False),
                ),
            ),
            (
                "Run",
                (
                    TaskWords("First month closed", "firm", "Bookkeeper", 10, "Opening balances checked"),
                    TaskWords("First report talked through", "firm", "Account manager", 2, "First month closed"),
                ),
            ),
        ),
    },
    "Audit client": {
        "description": "The first audit: independence, planning, access.",
        "phases": (
            (
                "Accept",
                (
                    TaskWords("Independence check", "firm", "Compliance", 1, "", True, False),
                    TaskWords("Engagement letter signed", "client", "Client signer", 4),
                ),
            ),
            (
                "Plan",
                (
                    TaskWords("Planning meeting", "firm", "Account manager", 3, "Engagement letter signed"),
                    TaskWords(
                        "Documents by the list",
                        "client",
                        "Client finance",
                        10,
                        "Planning meeting",
                        True,
                        True,
                        "The list is in your shared folder. Send what you have; ask about the rest.",
                    ),
                    TaskWords("Audit calendar agreed", "firm", "Account manager", 2, "Planning meeting"),
                ),
            ),
            ("Start", (TaskWords("Fieldwork begins", "firm", "Audit lead", 5, "Documents by the list"),)),
        ),
    },
}

# what is logged with the client whose progress emails are in German
GERMAN = {
    "salutation": "Sehr geehrter Herr Weissmann",
    "subject": "Jahresabschluss besprochen",
    "body": "Wir sind den Entwurf Seite für Seite durchgegangen. Rückstellungen sind geklärt.",
    "decision": "Der Jahresabschluss wird im Januar eingereicht",
    "ours": "Überarbeiteter Entwurf des Jahresabschlusses",
    "theirs": "Inventurliste zum Jahresende",
}

# commitments and decisions that fill the progress emails waiting for review
PROMISES = {
    "kept": "Quarterly VAT return filed",
    "ours": "Draft of the year-end letter",
    "theirs": "Signed engagement letter for next year",
    "late": "Bank statements for October",
    "decided": "Expense reports move to the new tool in January",
    "noted": "The finance meeting moves to the first Tuesday of the month",
}
