from django.db import migrations

# Both read a text alike: lower case, without accents, and every sign that joins words parts them, so that the beginning of any part of
# an address or a number is found. `core_words` are the words of a text; `core_begins` finds texts with
# these words one after the other, of which the last may go on. The schema is named because a restore has no search path.
#
# A tsvector holds 1 MB, and a longer one is an error that would refuse the row: of a text the first 100,000 characters are read,
# which is twice what any text may have.
PARTED = "translate(public.core_fold($1), '''\\@/\\-_:&|!()<>*', '                ')"
READ = PARTED.replace("$1", "left($1, 100000)")

FUNCTIONS = f"""
CREATE FUNCTION core_words(text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
AS $$ SELECT to_tsvector('simple'::regconfig, {READ}) $$;

CREATE FUNCTION core_begins(text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
AS $$
  SELECT CASE WHEN numnode(said) = 0 THEN said ELSE (said::text || ':*')::tsquery END
  FROM (SELECT phraseto_tsquery('simple'::regconfig, {PARTED}) AS said) AS typed
$$;
"""
GONE = "DROP FUNCTION core_begins(text); DROP FUNCTION core_words(text)"


class Migration(migrations.Migration):
    """What the search in texts is made of: words, and how they begin."""

    dependencies = [("core", "0015_custom_index_for_the_application")]

    operations = [migrations.RunSQL(FUNCTIONS, GONE)]
