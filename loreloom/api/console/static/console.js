"use strict";
// Live lists: each message is a row that the server has rendered and escaped. EventSource comes
// back by itself with the last id that it has, so that nothing is missed.
for (const list of document.querySelectorAll("[data-live]")) {
  const most = Number(list.dataset.most);
  const told = document.querySelector("[data-live-state]");
  const source = new EventSource(list.dataset.live);
  const say = (words) => {
    if (told) {
      told.textContent = words;
      told.dataset.liveState = words;
    }
  };
  source.onopen = () => say("live");
  source.onerror = () => say(source.readyState === EventSource.CLOSED ? "stopped" : "reconnecting");
  source.onmessage = (message) => {
    list.insertAdjacentHTML("afterbegin", message.data);
    list.firstElementChild.classList.add("fresh");
    while (list.children.length > most) {
      list.lastElementChild.remove();
    }
  };
}

// A part that is read anew every few seconds; it holds still under a reader who is in it.
for (const part of document.querySelectorAll("[data-anew]")) {
  const told = document.querySelector("[data-live-state]");
  const say = (words) => {
    told.textContent = words;
    told.dataset.liveState = words;
  };
  const read = async () => {
    if (document.hidden || part.contains(document.activeElement)) {
      say("still");
      return;
    }
    try {
      const answer = await fetch(part.dataset.anew, { redirect: "error" });
      if (!answer.ok) throw new Error(answer.status);
      part.innerHTML = await answer.text();
      say("live");
    } catch {
      say("reconnecting");
    }
  };
  setInterval(read, 1000 * Number(part.dataset.every));
  read();
}

// A page that tells a story says when the story has gone on; it does not move under its reader.
for (const notice of document.querySelectorAll("[data-goes-on]")) {
  const source = new EventSource(notice.dataset.goesOn);
  source.onmessage = () => {
    notice.hidden = false;
    source.close();
  };
}

// A link to a passage opens it.
const open = () => {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  const details = target && target.closest("details");
  if (details) {
    details.open = true;
    target.scrollIntoView({ block: "center" });
  }
};
addEventListener("hashchange", open);
open();

// A list's checkbox that stands for all of them.
for (const all of document.querySelectorAll("[data-checks-all]")) {
  const boxes = document.querySelectorAll(`input[name="${all.dataset.checksAll}"]`);
  all.addEventListener("change", () => boxes.forEach((box) => (box.checked = all.checked)));
}
