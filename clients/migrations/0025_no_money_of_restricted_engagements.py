"""Contracts and revenue are in sums that everyone who sees the client reads, so none is of a restricted engagement (decision 25).
The database refuses it from both sides: naming a restricted one, and restricting one that is named. The locks let only one of two
transactions through that do both at once. The indexes are built while others read and write.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

NAME = "no_money_of_restricted_engagement"
REFUSED = f"""RAISE EXCEPTION 'contracts and revenue are of no restricted engagement'
            USING ERRCODE = 'check_violation', CONSTRAINT = '{NAME}';"""
# A contract or a revenue line names an engagement, or a line an invoice.
NAMES = f"""
CREATE FUNCTION clients_names_open_engagement() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    named bigint := NEW.engagement_id;
    via bigint;
BEGIN
    IF TG_TABLE_NAME = 'clients_revenueline' THEN
        SELECT engagement_id INTO via FROM clients_invoice WHERE id = (to_jsonb(NEW) ->> 'invoice_id')::bigint FOR SHARE;
    END IF;
    PERFORM FROM clients_engagement WHERE id IN (named, via) ORDER BY id FOR SHARE;
    IF EXISTS (SELECT FROM clients_engagement WHERE id IN (named, via) AND is_restricted) THEN
        {REFUSED}
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER names_open_engagement BEFORE INSERT OR UPDATE OF engagement_id ON clients_contract
    FOR EACH ROW WHEN (NEW.engagement_id IS NOT NULL) EXECUTE FUNCTION clients_names_open_engagement();
CREATE TRIGGER names_open_engagement BEFORE INSERT OR UPDATE OF engagement_id, invoice_id ON clients_revenueline
    FOR EACH ROW WHEN (NEW.engagement_id IS NOT NULL OR NEW.invoice_id IS NOT NULL)
    EXECUTE FUNCTION clients_names_open_engagement();
"""
NAMES_BACK = """
DROP TRIGGER names_open_engagement ON clients_contract;
DROP TRIGGER names_open_engagement ON clients_revenueline;
DROP FUNCTION clients_names_open_engagement();
"""
# An engagement is restricted, or an invoice with revenue moves to a restricted one.
STAYS = f"""
CREATE FUNCTION clients_restricts_no_money() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM clients_contract WHERE engagement_id = NEW.id)
        OR EXISTS (SELECT FROM clients_revenueline WHERE engagement_id = NEW.id)
        OR EXISTS (SELECT FROM clients_revenueline AS line JOIN clients_invoice AS invoice ON invoice.id = line.invoice_id
                   WHERE invoice.engagement_id = NEW.id) THEN
        {REFUSED}
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER restricts_no_money BEFORE INSERT OR UPDATE OF is_restricted ON clients_engagement
    FOR EACH ROW WHEN (NEW.is_restricted) EXECUTE FUNCTION clients_restricts_no_money();
CREATE FUNCTION clients_invoice_with_revenue() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM clients_engagement WHERE id = NEW.engagement_id AND NOT is_restricted FOR SHARE;
    IF NOT FOUND AND EXISTS (SELECT FROM clients_revenueline WHERE invoice_id = NEW.id) THEN
        {REFUSED}
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invoice_with_revenue BEFORE UPDATE OF engagement_id ON clients_invoice
    FOR EACH ROW WHEN (NEW.engagement_id IS NOT NULL AND NEW.engagement_id IS DISTINCT FROM OLD.engagement_id)
    EXECUTE FUNCTION clients_invoice_with_revenue();
"""
STAYS_BACK = """
DROP TRIGGER restricts_no_money ON clients_engagement;
DROP FUNCTION clients_restricts_no_money();
DROP TRIGGER invoice_with_revenue ON clients_invoice;
DROP FUNCTION clients_invoice_with_revenue();
"""
# Lines that named an invoice of a restricted engagement until now name none; the history keeps which.
LINES = """
UPDATE clients_revenueline SET invoice_id = NULL, version = version + 1, updated_at = now()
WHERE invoice_id IN (
    SELECT invoice.id FROM clients_invoice AS invoice JOIN clients_engagement AS engagement ON engagement.id = invoice.engagement_id
    WHERE engagement.is_restricted)
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("clients", "0024_custom_fields_and_contracts_of_engagements")]

    operations = [
        AddIndexConcurrently(
            model_name="contract",
            index=models.Index(
                fields=["engagement", "-start_date", "-id"],
                name="contract_engagement",
                condition=models.Q(("engagement__isnull", False)),
            ),
        ),
        AddIndexConcurrently(
            model_name="revenueline",
            index=models.Index(
                fields=["engagement", "-date", "-id"],
                name="revenue_engagement",
                condition=models.Q(("engagement__isnull", False)),
                include=["amount_firm"],
            ),
        ),
        migrations.RunSQL(LINES, migrations.RunSQL.noop),
        migrations.RunSQL(NAMES, NAMES_BACK),
        migrations.RunSQL(STAYS, STAYS_BACK),
        migrations.RunSQL(LINES, migrations.RunSQL.noop),
    ]
