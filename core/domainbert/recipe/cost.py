"""The recipe's section `cost:`."""

from __future__ import annotations

from pydantic import Field, model_validator

from domainbert.recipe.sections import Section


class CostSection(Section):
    """What an hour takes, so that the card shows what training and evaluation took."""

    price_per_hour: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Price of an hour of all processes together; absent for none."""
    currency: str = Field(default="", pattern=r"^[A-Za-z€$£¥]{0,8}$")
    """Of the price, such as `EUR`."""
    watts: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Power of the machine under load, as measured or as its maker says; absent for none."""

    @model_validator(mode="after")
    def _has_something(self) -> CostSection:
        if self.price_per_hour is None and self.watts is None:
            raise ValueError("cost: give `price_per_hour` or `watts`")
        if self.currency and self.price_per_hour is None:
            raise ValueError("cost: `currency` is that of `price_per_hour`; give both")
        return self

    def of(self, seconds: float) -> dict[str, float]:
        """Return `price` and `kwh` of a time, those of them that are known."""
        hours, rates = seconds / 3600, {"price": self.price_per_hour, "kwh": self.watts}
        units = {"price": 1.0, "kwh": 1000.0}
        return {name: hours * rate / units[name] for name, rate in rates.items() if rate}

    def line(self, seconds: float) -> str:
        """Return the same for people."""
        found, parts = self.of(seconds), []
        if "price" in found:
            rate = f"{self.price_per_hour:g} {self.currency}".strip()
            parts.append(f"{found['price']:.2f} {self.currency}".strip() + f" at {rate} per hour")
        if "kwh" in found:
            parts.append(f"{found['kwh']:.2f} kWh at {self.watts:g} W")
        return ", ".join(parts)
