"""Files in an object storage that speaks S3, where FILES_URL names one. Needs boto3 (`script/setup --s3`).

Browsers never talk to it: what is in the bucket is read and given out by the web, behind the gate, so the bucket stays closed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import IO, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from django.core.files.storage import Storage as BaseStorage
from django.utils.deconstruct import deconstructible

MISSING = ("NoSuchKey", "404", "NotFound")
CONNECT_SECONDS, READ_SECONDS = 5, 60


@deconstructible
class Storage(BaseStorage):
    """Names are random, so that two never meet and none has to be looked for before it is written. What goes wrong is an OSError."""

    def __init__(
        self, *, bucket: str, prefix: str = "", region: str = "", endpoint: str = "", key: str = "", secret: str = ""
    ):
        self.bucket, self.prefix = bucket, prefix
        self.access = {
            "region_name": region or None,
            "endpoint_url": endpoint or None,
            "aws_access_key_id": key or None,
            "aws_secret_access_key": secret or None,
        }

    @cached_property
    def client(self) -> Any:
        style = "path" if self.access["endpoint_url"] else "auto"  # few besides Amazon answer to bucket.host
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 3},
            s3={"addressing_style": style},
            # newer checksums are unknown to many servers
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return boto3.session.Session().client("s3", config=config, **self.access)

    def at(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": f"{self.prefix}{name}"}

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _save(self, name: str, content: IO[bytes]) -> str:
        content.seek(0)
        with _as_oserror(name):
            self.client.put_object(Body=content, **self.at(name))
        return name

    def _open(self, name: str, mode: str = "rb") -> File:
        with _as_oserror(name):
            return File(self.client.get_object(**self.at(name))["Body"], name=name)

    def exists(self, name: str) -> bool:
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        with _as_oserror(name):
            return self.client.head_object(**self.at(name))["ContentLength"]

    def delete(self, name: str) -> None:
        with _as_oserror(name):
            self.client.delete_object(**self.at(name))


@contextmanager
def _as_oserror(name: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in MISSING:
            raise FileNotFoundError(name) from error
        raise OSError(str(error)) from error
    except (BotoCoreError, boto3.exceptions.Boto3Error) as error:
        raise OSError(str(error)) from error
