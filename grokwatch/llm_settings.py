"""The settings of a chat model that labels instead of the shipped one."""

from pydantic import Field, SecretStr

from grokwatch.setting_types import Section


class LlmSettings(Section):
    """The chat endpoint behind GROKWATCH_MODEL=openai:NAME."""

    base_url: str = Field(
        default="https://api.openai.com/v1",
        pattern=r"^https?://",
        description="Where the API lies, such as http://127.0.0.1:11434/v1 for a server of your own.",
    )
    api_key: SecretStr | None = Field(default=None, description="Key of the API, where it asks for one.")
    max_cost_usd: float = Field(
        default=5.0, ge=0, description="What it may cost in a calendar month (UTC), in dollars; it is never passed."
    )
    price_input_usd: float | None = Field(
        default=None,
        ge=0,
        description="Dollars for a million tokens that it reads; needed unless the server is on this machine.",
    )
    price_output_usd: float | None = Field(
        default=None, ge=0, description="Dollars for a million tokens that it writes; needed likewise."
    )
    batch: int = Field(default=10, ge=1, le=50, description="Posts in a request; 1 keeps posts apart altogether.")
    tokens: int = Field(
        default=400, ge=50, description="The most that it may write for a post, its thinking included, in tokens."
    )
    timeout: float = Field(default=60.0, gt=0, description="Seconds to wait for an answer.")
