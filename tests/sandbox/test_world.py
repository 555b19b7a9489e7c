from __future__ import annotations

from sandbox import Clock, Follow, World


def test_truth_is_newest_first_without_hidden_accounts() -> None:
    world = World.of({"alice": [Follow("old", 10), Follow("new", 30), Follow("mid", 20)]})
    world.hide("mid")
    assert world.truth("alice") == [Follow("new", 30), Follow("old", 10)]
    world.show("mid")
    assert world.truth("alice") == [Follow("new", 30), Follow("mid", 20), Follow("old", 10)]


def test_history_has_every_follow_and_its_end() -> None:
    world = World.of({"alice": [Follow("bob", 10), Follow("carol", 20)]})
    world.clock = Clock(start=100)
    world.unfollow("alice", "bob")
    world.clock.advance(50)
    world.follow("alice", "bob", at=130)
    world.follow("alice", "dave", at=151)
    world.rename("bob", "bobby")
    assert world.truth("alice") == [Follow("bobby", 130), Follow("carol", 20)]
    assert world.history("alice") == [
        Follow("bobby", 10, until=100),
        Follow("carol", 20),
        Follow("bobby", 130),
    ]
    world.clock.advance(1)
    assert world.truth("alice")[0] == Follow("dave", 151)


def test_renamed_account_keeps_its_id_its_list_and_its_place_on_lists() -> None:
    world = World.of({"alice": [Follow("bob", 1)], "bob": [Follow("carol", 2)]})
    user_id = world.accounts["bob"].user_id
    world.rename("bob", "bobby")
    assert (world.truth("alice"), world.truth("bobby")) == (
        [Follow("bobby", 1)],
        [Follow("carol", 2)],
    )
    assert world.accounts["bobby"].user_id == user_id
    assert world.usernames == ["alice", "bobby"]
