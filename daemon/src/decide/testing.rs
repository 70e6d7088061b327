//! Records for the tests of this room.
