"""The picture of the kept figures is drawn from them, and every script has its picture."""

from docs.figures import skill

FOLDER = skill.KEPT.parents[3] / "docs" / "figures"


def test_the_picture_of_skill_shows_what_was_measured() -> None:
    found = skill.ratios(skill.KEPT.read_text("utf-8"))
    assert all(set(both) == {False, True} for both in found.values())
    assert len(found) == 17
    assert (FOLDER / "skill.svg").read_text("utf-8") == skill.render(found)


def test_every_script_has_its_picture_on_a_page_in_light_and_dark() -> None:
    scripts = {file.stem for file in FOLDER.glob("*.py")} - {"svg", "__init__"}
    pictures = {file.stem: file.read_text("utf-8") for file in FOLDER.glob("*.svg")}
    assert pictures.keys() == scripts
    pages = "".join(page.read_text("utf-8") for page in FOLDER.parent.glob("*.md"))
    for name, picture in pictures.items():
        assert f"figures/{name}.svg" in pages, name
        assert "prefers-color-scheme: dark" in picture, name
