"use strict";
// What keeps a page up to date, each by its name: the page is as live as the least of them.
const standing = new Map();
const BY_URGENCY = ["stopped", "reconnecting", "still", "live", "done"];
const say = (who, words) => {
  const told = document.querySelector("[data-live-state]");
  standing.set(who, words);
  if (told) {
    told.textContent = BY_URGENCY.find((one) => [...standing.values()].includes(one));
    told.dataset.liveState = told.textContent;
  }
};

// Live lists: each message is a row that the server has rendered and escaped. EventSource comes
// back by itself with the last id that it has, so that nothing is missed.
for (const list of document.querySelectorAll("[data-live]")) {
  const most = Number(list.dataset.most);
  const source = new EventSource(list.dataset.live);
  const gone = () => (source.readyState === EventSource.CLOSED ? "stopped" : "reconnecting");
  source.onopen = () => say(list, "live");
  source.onerror = () => say(list, gone());
  source.onmessage = (message) => {
    list.insertAdjacentHTML("afterbegin", message.data);
    list.firstElementChild.classList.add("fresh");
    while (list.children.length > most) {
      list.lastElementChild.remove();
    }
  };
}

// A world's clock runs on between the moments at which the server tells it.
const digits = (number) => String(Math.floor(number)).padStart(2, "0");
let toldAt = performance.now();
const tick = () => {
  for (const clock of document.querySelectorAll("[data-clock]")) {
    const { clock: seconds, day, scale } = clock.dataset;
    const passed = (scale * (performance.now() - toldAt)) / 1000;
    const now = (Number(seconds) + passed) % day;
    clock.textContent = `${digits(now / 3600)}:${digits((now % 3600) / 60)}`;
  }
};
setInterval(tick, 1000);

// A part that is read anew every few seconds until it is over; it holds still under a reader who
// is in it.
for (const part of document.querySelectorAll("[data-anew]")) {
  const scrolled = () => [...part.querySelectorAll(".scrolls, .regions")];
  let shown;
  const held = () => document.hidden || part.contains(document.activeElement);
  const read = async () => {
    if (held()) {
      say(part, "still");
      return;
    }
    try {
      const answer = await fetch(part.dataset.anew, { redirect: "error" });
      if (!answer.ok) throw new Error(answer.status);
      const text = await answer.text();
      // The reader may have come in while it was under way.
      if (held()) return;
      if (text !== shown) {
        const places = scrolled().map((one) => [one.scrollLeft, one.scrollTop]);
        part.innerHTML = shown = text;
        scrolled().forEach((one, number) => one.scrollTo(...(places[number] ?? [0, 0])));
      }
      toldAt = performance.now();
      const over = part.querySelector("[data-over]");
      if (over) clearInterval(reading);
      say(part, over ? "done" : "live");
    } catch {
      say(part, "reconnecting");
    }
  };
  say(part, "still");
  const reading = setInterval(read, 1000 * Number(part.dataset.every));
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

// A tall graph begins where the arc stands.
for (const here of document.querySelectorAll(".node.now")) {
  const box = here.closest(".scrolls");
  const above = here.getBoundingClientRect().top - box.getBoundingClientRect().top;
  box.scrollTop = above - box.clientHeight / 2;
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
