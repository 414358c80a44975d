"""Put a folder on the model hub: one commit, or nothing."""

from __future__ import annotations

from pathlib import Path

from domainbert.errors import RunFailed, UserError, one_line
from domainbert.visible import visible

# What a new repository has from the start.
_OF_HUB = {".gitattributes", "README.md"}


def check_repository(name: str, private: bool, update: bool) -> None:
    """Refuse, before anything is sent, a hub without login and a name that is taken.

    Args:
        name: `ORG/NAME`.
        private: Whether it is to be private.
        update: Whether the repository may have content.

    Raises:
        UserError: Nobody is logged in, the name is taken or none, or the repository is there and
            is public where it should be private, or the reverse.
        RunFailed: The hub does not answer.
    """
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

    hub = HfApi()
    try:
        hub.whoami()
        if not hub.repo_exists(name):
            return
        is_private = bool(hub.repo_info(name).private)
        there = sorted(set(hub.list_repo_files(name)) - _OF_HUB)
    except LocalTokenNotFoundError:
        raise UserError("the hub wants a login: `hf auth login`, or HF_TOKEN.") from None
    except HfHubHTTPError as error:
        if error.response is not None and error.response.status_code in {401, 403}:
            raise UserError(f"the hub refuses this login: {one_line(error)}") from None
        raise RunFailed(f"the hub refuses: {one_line(error)}") from None
    except (OSError, httpx2.HTTPError) as error:
        raise RunFailed(f"the hub does not answer: {visible(one_line(error))}") from None
    if is_private != private:
        now, wish = ("private", "give no --public") if is_private else ("public", "give --public")
        raise UserError(f"{name}: is there and {now}: {wish}, or change it on the hub.")
    if there and not update:
        raise UserError(
            f"{name}: is taken; it has {len(there)} files, such as {there[0]}. Name another, or "
            "take --update for a new commit in it."
        )


def upload(folder: Path, name: str, private: bool, message: str) -> str:
    """Upload a folder in one commit, and return its address.

    Args:
        folder: What the repository has then, beside what is there.
        name: `ORG/NAME`; made if it is new.
        private: Of a new one.
        message: Of the commit.

    Raises:
        RunFailed: The hub refuses or the connection ends; the repository has no part of it.
    """
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    hub = HfApi()
    try:
        hub.create_repo(name, private=private, exist_ok=True)
        done = hub.upload_folder(repo_id=name, folder_path=folder, commit_message=message)
    except (HfHubHTTPError, httpx2.HTTPError, OSError, RuntimeError) as error:
        raise RunFailed(
            f"{name}: nothing was published: {one_line(error)} The same command tries again."
        ) from None
    return str(done.commit_url)
