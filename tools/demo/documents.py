"""A few documents: one page each, drawn here, so that nothing has to be shipped."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO

from django.core.files.base import ContentFile
from PIL import Image, ImageDraw
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from clients.documents.choices import DocumentKind
from clients.documents.models import Document
from clients.documents.services import add_document, add_document_version
from crm.core.base.principals import acting
from crm.core.files.models import StoredFile
from crm.core.files.services import receive

MOST = 2**20


@dataclass(frozen=True)
class Paper:
    """`days_ago` it came, in `days_left` it expires; `revised` is what the second version changed."""

    client: str
    title: str
    kind: str
    days_ago: int
    days_left: int | None = None
    is_shared: bool = False
    note: str = ""
    revised: str = ""


PAPERS = (
    Paper("Saari & Koski Oy", "Engagement letter 2026", DocumentKind.ENGAGEMENT, 320, 38, True, "", "Payroll added"),
    Paper("Saari & Koski Oy", "Passport, Elina Saari", DocumentKind.IDENTITY, 300, 19, note="Seen in person."),
    Paper("Saari & Koski Oy", "Financial statements 2025", DocumentKind.FINANCIAL, 210, is_shared=True),
    Paper("Saari & Koski Oy", "Board minutes, June", DocumentKind.MINUTES, 150),
    Paper("Halden Law", "Engagement letter", DocumentKind.ENGAGEMENT, 400, 64, True),
    Paper("Halden Law", "Power of attorney, tax office", DocumentKind.AUTHORITY, 380, -6),
    Paper("Osprey Logistics", "Engagement letter", DocumentKind.ENGAGEMENT, 290, is_shared=True),
    Paper("Osprey Logistics", "VAT certificate", DocumentKind.CERTIFICATE, 120, 27),
    Paper("Kestrel Robotics", "Engagement letter", DocumentKind.ENGAGEMENT, 230, is_shared=True),
    Paper("Kestrel Robotics", "Quarterly review, third quarter", DocumentKind.REPORT, 48, is_shared=True),
    Paper("Aurora Hydro", "Cash forecast", DocumentKind.REPORT, 12, revised="October figures"),
    Paper("Aurora Hydro", "Registration certificate", DocumentKind.CERTIFICATE, 90),
    Paper("Deccan Textiles", "Due diligence list", DocumentKind.OTHER, 9),
    Paper("Fjord Media", "Notice of termination", DocumentKind.LETTER, 18),
    Paper("Meridian Pharma", "Tax ruling", DocumentKind.TAX, 160),
    Paper("Ridgeway Capital", "Confidentiality agreement", DocumentKind.CONTRACT, 14, 350),
)
SCANS = {"Passport, Elina Saari", "Registration certificate"}  # images; all others are PDFs


def make(stage) -> None:
    for paper in PAPERS:
        client = stage.clients[paper.client]
        owner = next(user for user in stage.users.values() if user.pk == client.owner_id)
        at = stage.office_hour(stage.today - timedelta(days=paper.days_ago), client.time_zone or "Europe/Helsinki")
        document = add_document(
            acting(owner),
            client=client,
            received=receive(_file(paper, 1), most=MOST),
            title=paper.title,
            kind=paper.kind,
            expiry_date=None if paper.days_left is None else stage.today + timedelta(days=paper.days_left),
            is_shared=paper.is_shared,
            note=paper.note,
            now=at,
        )
        _brought(document.file, at)
        if paper.revised:
            later = min(at + timedelta(days=5), stage.now - timedelta(hours=2))
            received = receive(_file(paper, 2), most=MOST)
            version = add_document_version(
                acting(owner), document=document, received=received, remark=paper.revised, now=later
            )
            _brought(version.file, later)
        Document.objects.filter(pk=document.pk).update(created_at=at)


def _brought(file: StoredFile, at: datetime) -> None:
    StoredFile.objects.filter(pk=file.pk).update(created_at=at)


def _file(paper: Paper, number: int) -> ContentFile:
    name = "_".join(paper.title.lower().replace(",", "").split())
    if paper.title in SCANS:
        return ContentFile(_scan(paper), name=f"scan_{name}.png")
    return ContentFile(_page(paper, number), name=f"{name}{'_v2' if number > 1 else ''}.pdf")


def _page(paper: Paper, number: int) -> bytes:
    page, (width, height) = BytesIO(), A4
    canvas = Canvas(page, pagesize=A4, invariant=1)
    canvas.setTitle(paper.title)
    canvas.setFont("Helvetica-Bold", 20)
    canvas.drawString(72, height - 110, paper.title)
    canvas.setFont("Helvetica", 11)
    canvas.drawString(72, height - 135, f"{paper.client} and Northlight Advisory, version {number}")
    canvas.setStrokeGray(0.8)
    canvas.line(72, height - 150, width - 72, height - 150)
    for line in range(24):  # where the text would be
        canvas.setFillGray(0.9)
        long = width - 144 if (line + number) % 6 else (width - 144) * 0.6
        canvas.rect(72, height - 185 - line * 20, long, 8, stroke=0, fill=1)
    canvas.setFillGray(0.4)
    canvas.drawString(72, 60, "A document of the demo firm.")
    canvas.save()
    return page.getvalue()


def _scan(paper: Paper) -> bytes:
    image, page = Image.new("RGB", (900, 620), "#e9ece6"), BytesIO()
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((40, 40, 860, 580), 24, fill="#ffffff", outline="#b9c4bd", width=3)
    draw.rectangle((90, 130, 310, 430), fill="#d7dfd9")
    draw.text((360, 130), paper.title, fill="#1b1b18", font_size=34)
    draw.text((360, 185), paper.client, fill="#55544d", font_size=24)
    for line in range(5):
        draw.rectangle((360, 250 + line * 38, 800 - line % 2 * 140, 266 + line * 38), fill="#e6e5e0")
    draw.text((90, 500), "SPECIMEN OF THE DEMO FIRM", fill="#96958d", font_size=26)
    image.save(page, "PNG")
    return page.getvalue()
