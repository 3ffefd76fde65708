import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import acting
from crm.core.mail.models import OutboxMail
from crm.core.mail.services.outbox import queue_mail
from crm.core.people.services import colleagues, invitations
from crm.core.users.models import Invitation, User
from tools.testing.factories import core
from tools.testing.factories.core import NOW
from tools.testing.threads import at_once

INVITED = {"email": "noor@halden.example", "name": "Noor Haddad", "roles": ["account_manager", "manager"], "team": ""}


@pytest.fixture
def invitation(client, ines):
    client.force_login(ines)
    client.post(reverse("core:invite"), INVITED)
    return Invitation.objects.get()


def latest_path():
    return core.path_in(OutboxMail.objects.filter(kind="invitation").latest("pk"))


def accept(path, **fields):
    browser = Browser()
    assert browser.get(path).url == reverse("core:join")
    return browser, browser.post(
        reverse("core:join"),
        {"name": "Noor Haddad", "password1": core.PASSWORD, "password2": core.PASSWORD} | fields,
    )


def test_an_invited_colleague_chooses_a_password_and_is_in(invitation):
    browser, answer = accept(latest_path())
    noor = User.objects.get(email="noor@halden.example")
    assert (answer.status_code, answer.url, noor.roles) == (302, "/", ["account_manager", "manager"])
    assert browser.session["_auth_user_id"] == str(noor.pk)
    assert noor.check_password(core.PASSWORD)


def test_the_mail_at_rest_holds_no_link(invitation):
    mail = OutboxMail.objects.get(kind="invitation")
    token = latest_path().strip("/").split("/")[-1]
    assert token not in str(mail.__dict__) and token not in str(invitation.__dict__)


def test_opening_the_link_uses_nothing_up_and_leaves_a_clean_address(client, invitation):
    client.logout()
    for _ in range(3):
        assert client.get(latest_path()).url == "/join/"
    assert client.get("/join/").status_code == 200
    assert invitations.state_of(Invitation.objects.get(), timezone.now()) == "open"


def test_a_link_works_once(invitation):
    path = latest_path()
    accept(path)
    browser, answer = accept(path)
    assert answer.status_code == 410
    assert "was used" in browser.get("/join/").content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"revoked_at": timezone.now()}, "withdrawn"), ({"expires_at": timezone.now() - timedelta(days=1)}, "expired")],
)
def test_a_link_that_ended_says_why(invitation, changes, words):
    Invitation.objects.update(**changes)
    browser, answer = accept(latest_path())
    assert answer.status_code == 410 and words in answer.content.decode()
    assert not User.objects.filter(email="noor@halden.example").exists()


def test_sending_again_ends_the_former_link(client, invitation):
    former = latest_path()
    client.post(reverse("core:invitation_resend", args=[invitation.pk]))
    assert Browser().get(former).status_code == 404
    assert accept(latest_path())[1].status_code == 302


def test_revoking_ends_the_link(client, invitation):
    client.post(reverse("core:invitation_revoke", args=[invitation.pk]))
    assert accept(latest_path())[1].status_code == 410


def test_a_weak_password_is_refused_beside_its_field(invitation):
    _browser, answer = accept(latest_path(), password1="password123", password2="password123")
    assert answer.status_code == 422 and answer.context["form"].errors["password1"]
    assert not User.objects.filter(email="noor@halden.example").exists()


def test_an_address_is_invited_once(client, invitation):
    answer = client.post(reverse("core:invite"), INVITED | {"email": "NOOR@halden.example"})
    assert answer.status_code == 422 and "open invitation" in answer.content.decode()
    assert Invitation.objects.count() == OutboxMail.objects.count() == 1


def test_a_form_that_is_refused_keeps_what_was_typed(client, ines):
    client.force_login(ines)
    answer = client.post(reverse("core:invite"), {"email": "noor@", "name": "Noor Haddad", "roles": []})
    assert answer.status_code == 422 and 'value="noor@"' in answer.content.decode()


def test_roles_and_teams_are_changed(client, ines, marta):
    team = core.make_team()
    client.force_login(ines)
    data = {
        "version": marta.version,
        "name": "Marta Kesti",
        "email": marta.email,
        "roles": ["manager"],
        "teams": [team.pk],
    }
    assert client.post(reverse("core:user", args=[marta.pk]), data).status_code == 302
    marta.refresh_from_db()
    assert (marta.roles, list(marta.teams.all())) == (["manager"], [team])


def test_a_stale_change_of_a_colleague_is_refused(ines, marta):
    colleagues.update_user(acting(ines), user=marta, seen_version=1, name="Marta K.")
    with pytest.raises(StaleWrite):
        colleagues.update_user(acting(ines), user=marta, seen_version=1, name="Marta Other")


def test_somebody_disabled_is_out_at_the_next_request(client, ines, marta):
    browser = Browser()
    browser.force_login(marta)
    _token, clear = core.make_token(user=marta)
    assert browser.get(reverse("core:profile")).status_code == 200
    client.force_login(ines)
    client.post(reverse("core:user_disable", args=[marta.pk]), {"hand_over_to": ""})
    assert browser.get(reverse("core:profile")).url.startswith("/accounts/login/")
    assert Browser().get("/api/schema/", headers={"Authorization": f"Token {clear}"}).status_code == 401


def test_what_waits_for_somebody_disabled_is_not_mailed(ines, marta):
    values = {"kind": "follow-up", "to_address": marta.email, "subject": "Call Northwind", "text": "Now"}
    mail, _made = queue_mail(key="follow-up:1:1", user=marta, **values)
    colleagues.disable_user(acting(ines), user=marta, now=timezone.now())
    mail.refresh_from_db()
    assert mail.state == "cancelled"


def test_letting_in_again_revives_neither_session_nor_token(ines, marta):
    browser = Browser()
    browser.force_login(marta)
    token, _clear = core.make_token(user=marta)
    colleagues.disable_user(acting(ines), user=marta, now=timezone.now())
    colleagues.enable_user(acting(ines), user=marta)
    token.refresh_from_db()
    assert browser.get(reverse("core:profile")).status_code == 302
    assert token.revoked_at is not None


def test_the_only_admin_can_neither_leave_nor_lay_the_role_down(client, ines, marta):
    with pytest.raises(ServiceError, match="only admin"):
        colleagues.disable_user(acting(ines), user=ines, now=timezone.now())
    with pytest.raises(ServiceError, match="only admin"):
        colleagues.update_user(acting(ines), user=ines, roles=["manager"])
    client.force_login(ines)
    assert client.post(reverse("core:user_disable", args=[ines.pk]), {}).status_code == 422
    assert User.objects.get(pk=ines.pk).is_active


def test_an_admin_may_leave_when_there_is_another(ines):
    core.make_person(name="Daniel Okafor", roles=["admin"])
    assert not colleagues.disable_user(acting(ines), user=ines, now=timezone.now()).is_active


@pytest.mark.parametrize("who", ["marta", "oskar"])
def test_only_admins_look_after_people(client, request, who):
    client.force_login(request.getfixturevalue(who))
    for name in ("core:users", "core:invite", "core:teams", "core:settings", "core:days", "core:history"):
        assert client.get(reverse(name)).status_code == 403, name


def test_the_list_of_people_asks_the_database_little(client, ines, django_assert_max_num_queries):
    for n in range(12):
        core.make_person(name=f"Colleague {n}")
    client.force_login(ines)
    with django_assert_max_num_queries(12):
        assert client.get(reverse("core:users")).status_code == 200


def test_a_team_has_members_and_a_lead(client, ines, marta, oskar):
    client.force_login(ines)
    assert (
        client.post(reverse("core:team_new"), {"name": "Nordics", "lead": oskar.pk, "members": [marta.pk]}).status_code
        == 302
    )
    team = oskar.led_teams.get()
    assert set(team.members.all()) == {oskar, marta}
    client.post(
        reverse("core:team", args=[team.pk]),
        {"version": team.version, "name": "Nordics", "lead": oskar.pk, "members": []},
    )
    assert list(team.members.all()) == [oskar]


def test_a_team_of_the_same_name_is_refused(client, ines):
    core.make_team(name="Nordics")
    client.force_login(ines)
    answer = client.post(reverse("core:team_new"), {"name": "nordics"})
    assert answer.status_code == 422 and answer.context["form"].errors["name"]


def test_archiving_a_team_is_undone(client, ines):
    team = core.make_team()
    client.force_login(ines)
    page = client.post(reverse("core:team_archive", args=[team.pk]), follow=True)
    assert reverse("core:team_restore", args=[team.pk]) in page.content.decode()
    client.post(reverse("core:team_restore", args=[team.pk]))
    team.refresh_from_db()
    assert team.archived_at is None


def test_a_team_that_two_change_at_once_shows_both_values_and_is_saved_at_the_second_try(client, ines):
    client.force_login(ines)
    team = colleagues.save_team(acting(ines), name="Nordics", lead=None, members=[])
    colleagues.save_team(acting(ines), team=team, name="Baltics", lead=None, members=[], seen_version=team.version)
    page, data = reverse("core:team", args=[team.pk]), {"version": team.version, "name": "Finland", "members": []}
    answer = client.post(page, data)
    text = answer.content.decode()
    assert answer.status_code == 409 and "Baltics" in text and "Finland" in text
    assert client.post(page, data | {"version": answer.context["conflict"].version}).status_code == 302
    team.refresh_from_db()
    assert team.name == "Finland"


def test_the_session_keeps_no_token_of_the_invitation(client, invitation):
    client.logout()
    token = latest_path().strip("/").split("/")[-1]
    client.get(latest_path())
    assert token not in str(dict(client.session)) and client.get("/join/").status_code == 200
    invitations.resend_invitation(acting(User.objects.get()), invitation=invitation, now=timezone.now())
    assert client.get("/join/").status_code == 404, "the old link no longer works"


@pytest.mark.django_db(transaction=True)
def test_several_invitations_of_one_address_at_once_are_one():
    core.make_firm()
    ines, now = acting(core.make_person(name="Ines Vaara", roles=["admin"])), timezone.now()
    found = at_once(lambda n: invitations.invite(ines, email="noor@halden.example", roles=["admin"], now=now))
    assert sorted(type(each).__name__ for each in found) == ["Invitation"] + ["ServiceError"] * 7
    assert Invitation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_name_for_a_team_several_times_at_once_is_refused_in_words():
    core.make_firm()
    ines = acting(core.make_person(name="Ines Vaara", roles=["admin"]))
    found = at_once(lambda n: colleagues.save_team(ines, name="Nordics", lead=None, members=[]))
    assert sorted(type(each).__name__ for each in found) == ["ServiceError"] * 7 + ["Team"]
    assert {(each.message, each.field) for each in found if isinstance(each, ServiceError)} == {
        ("A team with this name already exists.", "name")
    }


@pytest.mark.parametrize("ended", [{"revoked_at": NOW}, {"expires_at": NOW}])
def test_an_ended_invitation_is_not_sent_again_beside_an_open_one(client, invitation, ended):
    Invitation.objects.filter(pk=invitation.pk).update(**ended)
    client.post(reverse("core:invite"), INVITED)
    assert Invitation.objects.count() == 2
    page = client.post(reverse("core:invitation_resend", args=[invitation.pk]), follow=True)
    assert "This address has an open invitation." in page.text
    assert invitations.open_invitations(timezone.now()).count() == 1
    Invitation.objects.exclude(pk=invitation.pk).update(revoked_at=NOW)
    client.post(reverse("core:invitation_resend", args=[invitation.pk]))
    assert invitations.open_invitations(timezone.now()).get() == invitation


@pytest.mark.django_db(transaction=True)
def test_one_name_for_a_team_several_times_at_once_is_no_fault_of_ours():
    core.make_firm()
    ines = core.make_person(name="Ines Vaara", roles=["admin"])

    def post(number):
        browser = Browser(raise_request_exception=False)
        browser.force_login(ines)
        return browser.post(reverse("core:team_new"), {"name": "Nordics", "members": []}).status_code

    assert sorted(at_once(post)) == [302] + [422] * 7


def test_without_a_mail_server_who_invited_copies_the_link(client, invitation, ines, settings):
    page = client.get(reverse("core:users")).text
    link = re.search(r'value="(http[^"]*/join/[^"]*)"', page)[1]
    assert "Not sent" in page and "Copy link" in page
    assert Browser().get(urlsplit(link).path, follow=True).status_code == 200
    client.force_login(core.make_person(name="Olga Other", roles=["admin"]))
    assert "Copy link" not in client.get(reverse("core:users")).text
    client.force_login(ines)
    settings.MAIL_IS_CAPTURED = False
    page = client.get(reverse("core:users")).text
    assert "Copy link" not in page and "Not sent" not in page


def test_inviting_without_a_mail_server_claims_no_mail(client, ines):
    client.force_login(ines)
    page = client.post(reverse("core:invite"), INVITED, follow=True).text
    assert "No mail server is set, so no email was sent to" in page
