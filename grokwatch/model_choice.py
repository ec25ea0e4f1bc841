"""Which classifier the settings name: the shipped one, a folder of the same shape, a checkpoint from Hugging Face, a chat model."""

from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from classifiers.base import Classifier, ClassifierError
from grokwatch.settings import LlmSettings, Settings

if TYPE_CHECKING:
    from classifiers.spending import Spending

SHIPPED: Final = Settings.model_fields["model"].default
CHAT: Final = "openai:"
SPENDING_FILE: Final = "llm-spending.db"
_MEND: Final = "set GROKWATCH_MODEL to shipped, to the folder of a model, or to openai:NAME"

Clock = Callable[[], datetime]


def load_classifier(settings: Settings, *, clock: Clock = lambda: datetime.now(UTC)) -> Classifier:
    """
    Load the model that the settings name. Nothing is ever downloaded.

    Parameters
    ----------
    clock
        Tells in which month a chat model's money is spent.

    Raises
    ------
    ClassifierError
        There is no usable model there.
    """
    if settings.model == SHIPPED:
        from classifiers.encoder import load  # noqa: PLC0415 - only the model in use is imported

        return load()
    if settings.model.startswith(CHAT):
        return _chat(settings, clock)
    folder = Path(settings.model)
    if not folder.is_dir():
        raise ClassifierError(
            f"GROKWATCH_MODEL={settings.model} is no folder here, and Grokwatch downloads no model",
            mend="download it yourself and name its folder, or set GROKWATCH_MODEL to shipped or openai:NAME",
        )
    if (folder / "model.json").is_file():
        from classifiers.encoder import load  # noqa: PLC0415 - as above

        return load(folder)
    if (folder / "config.json").is_file():
        from classifiers import checkpoint  # noqa: PLC0415 - as above

        return checkpoint.load(folder, meanings=settings.model_labels)
    raise ClassifierError(f"the folder {folder} holds no model: neither model.json nor config.json", mend=_MEND)


def describe(settings: Settings) -> str:
    """Say in a few words what kind of model the settings name."""
    if settings.model == SHIPPED:
        return "the shipped one"
    if settings.model.startswith(CHAT):
        from classifiers.chat_client import place  # noqa: PLC0415 - only the model in use is imported

        return f"a chat model at {place(settings.llm.base_url)}"
    return f"from {settings.model}"


def spending(settings: Settings, *, clock: Clock = lambda: datetime.now(UTC)) -> "Spending":
    """Open the books of the chat model's money."""
    from classifiers.spending import Spending  # noqa: PLC0415 - as above

    return Spending(settings.data_dir / SPENDING_FILE, ceiling_usd=settings.llm.max_cost_usd, clock=clock)


def _chat(settings: Settings, clock: Clock) -> Classifier:
    from classifiers.chat import ChatClassifier  # noqa: PLC0415 - as above
    from classifiers.chat_client import ChatAccess, ChatClient  # noqa: PLC0415 - as above

    given, name = settings.llm, settings.model.removeprefix(CHAT).strip()
    if not name:
        raise ClassifierError("GROKWATCH_MODEL=openai: names no model", mend="add its name, such as openai:gpt-5-mini")
    access = ChatAccess(
        model=name,
        base_url=given.base_url,
        api_key=given.api_key.get_secret_value() if given.api_key else None,
        price_input_usd=_price(given.price_input_usd, "INPUT", given),
        price_output_usd=_price(given.price_output_usd, "OUTPUT", given),
        timeout=given.timeout,
    )
    client = ChatClient(access, spending=spending(settings, clock=clock))
    return ChatClassifier(client, batch=given.batch, tokens=given.tokens)


def _price(price: float | None, which: str, given: LlmSettings) -> float:
    if price is not None:
        return price
    if not _is_here(given.base_url):
        raise ClassifierError(
            f"GROKWATCH_LLM__PRICE_{which}_USD is not set, so the ceiling on the model's cost can't be kept",
            mend="set both prices, in dollars for a million tokens; 0 where the server costs nothing",
        )
    return 0.0


def _is_here(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name, or no address at all
        return False
