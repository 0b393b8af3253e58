// A circular doubly linked list whose links are part of its members: no allocation, and removal knows no list.
#pragma once

namespace vmcore {

struct Link {
  Link* prev = this;
  Link* next = this;

  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  bool Empty() const { return next == this; }

  void Append(Link& member) {
    member.prev = prev;
    member.next = this;
    prev->next = &member;
    prev = &member;
  }

  void Unlink() {
    prev->next = next;
    next->prev = prev;
    prev = next = this;
  }
};

}  // namespace vmcore
