"""A result is kept as long as its code is the same; what its code is follows from the imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from promotion.code import PACKAGE, closure

FILES = {
    "__init__.py": "",
    "till.py": "import json\n",
    "price.py": "VAT = 0.2\n",
    "late.py": "",
    "hints.py": "",
    "fallback.py": "",
    "unused.py": "",
    "goods/__init__.py": (
        "from shop.goods.bread import Bread\nfrom .milk import Milk as FreshMilk\nLOCAL = 1\n"
    ),
    "goods/bread.py": "from ..price import VAT\n",
    "goods/milk.py": "",
    "goods/fridge/__init__.py": "from .cold import cool\n",
    "goods/fridge/cold.py": "from ...till import json\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    package = tmp_path / "shop"
    for name, code in FILES.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(code)
    return package


def names(code: str, package: Path, *without: str) -> list[str]:
    found = closure(code, package, without)
    return [path.relative_to(package).as_posix() for path in found]


def test_a_name_that_a_folder_offers_leads_to_the_file_that_defines_it(shop: Path) -> None:
    assert names("from shop.goods import Bread", shop) == ["goods/bread.py", "price.py"]


def test_a_name_that_a_folder_renames_is_found(shop: Path) -> None:
    assert names("from shop.goods import FreshMilk", shop) == ["goods/milk.py"]


def test_a_folder_used_whole_brings_all_that_it_offers(shop: Path) -> None:
    everything = ["goods/__init__.py", "goods/bread.py", "goods/milk.py", "price.py"]
    for code in (
        "from shop import goods",
        "import shop.goods",
        "from shop.goods import LOCAL",
        "from shop.goods import *",
    ):
        assert names(code, shop) == everything, code


def test_relative_imports_are_followed_upwards(shop: Path) -> None:
    assert names("from shop.goods.fridge import cool", shop) == ["goods/fridge/cold.py", "till.py"]
    assert names("import shop.goods.fridge.cold", shop) == ["goods/fridge/cold.py", "till.py"]


def test_a_module_taken_from_its_folder_is_found(shop: Path) -> None:
    assert names("from shop import price, till as desk", shop) == ["price.py", "till.py"]


def test_an_import_inside_a_function_a_class_or_a_try_counts(shop: Path) -> None:
    inside = "def f():\n    if x:\n        from shop import late\n"
    assert names(inside, shop) == ["late.py"]
    assert names("class C:\n    from shop.late import x\n", shop) == ["late.py"]
    tried = "try:\n    import shop.till\nexcept ImportError:\n    import shop.fallback\n"
    assert names(tried, shop) == ["fallback.py", "till.py"]


@pytest.mark.parametrize("test", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_what_type_checkers_alone_import_is_left_out(shop: Path, test: str) -> None:
    code = f"if {test}:\n    from shop import hints\n"
    assert names(code, shop) == []
    assert names(f"{code}else:\n    from shop import fallback\n", shop) == ["fallback.py"]
    assert names(f"if not {test}:\n    from shop import late\n", shop) == ["late.py"]


def test_other_packages_are_not_followed(shop: Path) -> None:
    assert names("import numpy\nfrom pathlib import Path\nimport shopping", shop) == []


def test_two_modules_that_import_each_other_end(shop: Path) -> None:
    (shop / "price.py").write_text("import shop.till")
    (shop / "till.py").write_text("import shop.price")
    assert names("import shop.till", shop) == ["price.py", "till.py"]


def test_what_is_left_out_is_not_followed_either(shop: Path) -> None:
    assert names("from shop.goods import Bread", shop, "goods") == []
    assert names("from shop.goods import Bread", shop, "price") == ["goods/bread.py"]


def test_the_files_of_this_package_are_found_where_they_are() -> None:
    found = closure("from promotion.detection import match")
    assert PACKAGE / "detection" / "matching.py" in found
    assert PACKAGE / "metrics.py" in found
    assert PACKAGE / "detection" / "diagnosis.py" not in found
