from __future__ import annotations

from sandbox import Account, Clock, Follow, World
from sandbox.world import Standing


def test_truth_is_newest_first_and_leaves_hidden_accounts_out() -> None:
    world = World.of({"alice": [Follow("old", 10), Follow("new", 30), Follow("mid", 20)]})
    world.hide("mid")
    assert world.truth("alice") == [Follow("new", 30), Follow("old", 10)]
    world.show("mid")
    assert world.truth("alice") == [Follow("new", 30), Follow("mid", 20), Follow("old", 10)]


def test_a_follow_of_the_future_is_true_when_its_time_has_come() -> None:
    world = World.of({"alice": []})
    world.clock = Clock(start=100)
    world.follow("alice", "bob", at=105)
    assert world.truth("alice") == []
    world.clock.advance(5)
    assert world.truth("alice") == [Follow("bob", 105)]


def test_to_look_at_an_account_does_not_make_one() -> None:
    world = World.of({"alice": []})
    assert world.truth("nobody") == []
    assert world.usernames == ["alice"]
    world.follow("nobody", "bob", at=1)
    assert world.usernames == ["alice", "nobody"]


def test_unfollowed_accounts_leave_the_list() -> None:
    world = World.of({"alice": [Follow("bob", 1), Follow("carol", 2)]})
    world.unfollow("alice", "bob")
    assert world.truth("alice") == [Follow("carol", 2)]


def test_history_says_when_every_follow_was_made_and_ended() -> None:
    world = World.of({"alice": [Follow("bob", 10), Follow("carol", 20)]})
    world.clock = Clock(start=100)
    world.unfollow("alice", "bob")
    world.clock.advance(50)
    world.follow("alice", "bob", at=130)
    world.follow("alice", "dave", at=151)
    world.rename("bob", "bobby")
    assert world.history("alice") == [
        Follow("bobby", 10, until=100),
        Follow("carol", 20),
        Follow("bobby", 130),
    ]
    assert world.truth("alice") == [Follow("bobby", 130), Follow("carol", 20)]


def test_a_renamed_account_keeps_its_id_its_list_and_its_followers() -> None:
    world = World.of({"alice": [Follow("bob", 1)], "bob": [Follow("carol", 2)]})
    user_id = world.accounts["bob"].user_id
    world.rename("bob", "bobby")
    assert world.truth("alice") == [Follow("bobby", 1)]
    assert world.truth("bobby") == [Follow("carol", 2)]
    assert (world.accounts["bobby"].username, world.accounts["bobby"].user_id) == (
        "bobby",
        user_id,
    )
    assert world.usernames == ["alice", "bobby"]


def test_a_hidden_list_is_refused_until_it_is_shown() -> None:
    world = World.of({"alice": [Follow("bob", 1)], "bob": []}, hidden_lists={"carol"})
    assert world.usernames == ["alice", "bob", "carol"]
    world.hide_list("bob")
    world.rename("bob", "bobby")
    assert world.truth("alice") == [Follow("bobby", 1)]
    assert [world.standing(name) for name in ("bobby", "carol")] == [Standing.HIDDEN] * 2
    world.show_list("bobby")
    assert world.standing("bobby") is Standing.LISTED


def test_accounts_are_made_from_the_username_unless_given() -> None:
    world = World()
    assert world.accounts["bob"] == World().accounts["bob"] == Account.made_up("bob")
    assert world.accounts["bob"].user_id != world.accounts["carol"].user_id
