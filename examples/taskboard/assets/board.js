// The page's life. Every URL comes from the server: those in #links, and the ones that each task carries.

const links = JSON.parse(document.getElementById("links").textContent);
const $ = (id) => document.getElementById(id);
const columns = [...document.querySelectorAll(".column")];
let addUrl = null;
let seen = null; // ids of the tasks shown before, to let only new cards appear with a movement

// ---- asking the server

async function ask(url, { method = "GET", data, body } = {}) {
  const headers = { Accept: "application/json" };
  if (data) headers["Content-Type"] = "application/json";
  const response = await fetch(url, { method, headers, body: data ? JSON.stringify(data) : body });
  const time = /dur=([\d.]+)/.exec(response.headers.get("Server-Timing") ?? "");
  if (time) $("timing").textContent = `${time[1]} ms`;
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok && !answer.errors) throw new Error(answer.message ?? `${response.status} ${response.statusText}`);
  return answer;
}

// Handlers go through this, so that whatever fails is said on the page.
const told = (action) => async (...args) => {
  try {
    await action(...args);
  } catch (error) {
    toast(error.message);
  }
};

function toast(message) {
  $("toast").textContent = message;
  $("toast").hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $("toast").hidden = true; }, 5000);
}

// ---- the board

const showBoard = told(async () => {
  const board = await ask(links.board);
  addUrl = board.add_url;
  const focused = document.activeElement?.dataset?.key;
  const ids = new Set();
  board.columns.forEach(({ key, tasks }, place) => {
    const column = columns.find((element) => element.dataset.column === key);
    column.querySelector(".count").textContent = tasks.length;
    const cards = tasks.map((task) => { ids.add(task.id); return makeCard(task, place, board.columns); });
    column.querySelector(".cards").replaceChildren(...(cards.length ? cards : [nothing()]));
  });
  seen = ids;
  // Cards are made anew; the keyboard stays where it was, or as near as can be.
  if (focused) {
    const button = document.querySelector(`[data-key="${CSS.escape(focused)}"]`);
    const near = button?.disabled ? button.parentElement.querySelector("button:enabled") : button;
    (near ?? $("board")).focus({ preventScroll: true });
  }
});

function nothing() {
  const item = document.createElement("li");
  item.className = "empty";
  item.textContent = "Nothing here";
  return item;
}

function makeCard(task, place, all) {
  const card = $("card").content.firstElementChild.cloneNode(true);
  card.classList.toggle("fresh", seen !== null && !seen.has(task.id));
  card.querySelector(".title").textContent = task.title;
  card.querySelector(".author").textContent = `by ${task.author}`;
  card.querySelector(".files").replaceChildren(...task.attachments.map(makeFile));
  const move = (by) => ask(task.url, { method: "PATCH", data: { column: all[place + by].key } });
  const tools = {
    back: [() => move(-1), place > 0 && `Move “${task.title}” to ${all[place - 1].title}`],
    on: [() => move(1), place < all.length - 1 && `Move “${task.title}” to ${all[place + 1].title}`],
    attach: [() => chooseFile(task), `Attach a file to “${task.title}”`],
    remove: [() => ask(task.url, { method: "DELETE" }), `Delete “${task.title}”`],
  };
  for (const [name, [action, label]] of Object.entries(tools)) {
    const button = card.querySelector(`[data-do="${name}"]`);
    button.dataset.key = `${task.id}-${name}`;
    button.disabled = !label;
    if (label) button.ariaLabel = button.title = label;
    button.addEventListener("click", told(action));
  }
  makeDraggable(card, task);
  return card;
}

function makeFile(file) {
  const item = document.createElement("li");
  const anchor = document.createElement("a");
  anchor.href = file.url;
  anchor.download = file.name;
  anchor.textContent = `${file.name} · ${size(file.size)}`;
  item.append(anchor);
  return item;
}

const size = (bytes) => (bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function chooseFile(task) {
  $("file").value = "";
  $("file").onchange = told(() => upload(task, $("file").files[0]));
  $("file").click();
}

async function upload(task, file) {
  const form = new FormData();
  form.set("file", file);
  await ask(task.attachments_url, { method: "POST", body: form });
}

// Cards are dragged between columns, files are dropped on cards. All of it has a button too.
let dragged = null;

function makeDraggable(card, task) {
  const hasFile = (event) => event.dataTransfer.types.includes("Files");
  card.addEventListener("dragstart", (event) => {
    dragged = task;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", task.title);
    card.classList.add("dragged");
  });
  card.addEventListener("dragend", () => { dragged = null; card.classList.remove("dragged"); });
  card.addEventListener("dragover", (event) => {
    if (hasFile(event)) { event.preventDefault(); card.classList.add("target"); }
  });
  card.addEventListener("dragleave", () => card.classList.remove("target"));
  card.addEventListener("drop", told(async (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    card.classList.remove("target");
    await upload(task, event.dataTransfer.files[0]);
  }));
}

for (const column of columns) {
  const mark = (on) => column.classList.toggle("target", on);
  column.addEventListener("dragover", (event) => { if (dragged) { event.preventDefault(); mark(true); } });
  column.addEventListener("dragleave", (event) => { if (!column.contains(event.relatedTarget)) mark(false); });
  column.addEventListener("drop", told(async (event) => {
    mark(false);
    if (!dragged) return;
    event.preventDefault();
    if (dragged.column !== column.dataset.column) {
      await ask(dragged.url, { method: "PATCH", data: { column: column.dataset.column } });
    }
  }));
  column.querySelector("form").addEventListener("submit", told(async (event) => {
    event.preventDefault();
    const field = event.target.elements.title;
    await ask(addUrl, { method: "POST", data: { title: field.value, column: column.dataset.column } });
    field.value = "";
  }));
}

// ---- the websocket: changes and chat

let socket = null;
let pause = 500;
let pending = null;

function connect() {
  const url = new URL(links.feed, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const mine = new WebSocket(url);
  socket = mine;
  mine.addEventListener("open", () => { pause = 500; status("on", "Live"); showBoard(); });
  mine.addEventListener("message", ({ data }) => hear(JSON.parse(data)));
  mine.addEventListener("close", () => {
    if (socket !== mine) return; // closed by us, for another or for good
    status("off", "Reconnecting…");
    setTimeout(() => { if (socket === mine) connect(); }, pause);
    pause = Math.min(pause * 2, 10000);
  });
}

function disconnect() {
  const old = socket;
  socket = null;
  old?.close();
}

function status(state, text) {
  $("status").dataset.state = state;
  $("status-text").textContent = text;
}

const happened = {
  added: "was added", moved: "was moved", renamed: "was renamed", attached: "got a file", deleted: "was deleted",
};

function hear(message) {
  if (message.kind === "task") {
    note(`“${message.title}” ${happened[message.what]}.`, "own");
    // Several changes in a moment are one look at the board.
    clearTimeout(pending);
    pending = setTimeout(showBoard, 30);
  } else if (message.kind === "chat") {
    note(`${message.who}: ${message.text}`);
  } else if (message.kind === "people") {
    $("listening").textContent = message.listening;
  } else if (message.kind === "goodbye") {
    note("The server stops; this page will find it again.", "own");
  }
}

function note(text, kind = "") {
  const item = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  item.className = kind;
  item.append(time, text);
  $("log").append(item);
  while ($("log").children.length > 100) $("log").firstElementChild.remove();
  $("log").scrollTop = $("log").scrollHeight;
}

$("chat").addEventListener("submit", told((event) => {
  event.preventDefault();
  if (socket?.readyState !== WebSocket.OPEN) throw new Error("Not connected at the moment.");
  socket.send($("line").value);
  $("line").value = "";
}));

// ---- server-sent events: the ticker

let events = null;

function watch() {
  events = new EventSource(links.ticker);
  events.addEventListener("tick", ({ data }) => {
    const { uptime, listening, messages } = JSON.parse(data);
    const seconds = Math.floor(uptime);
    const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    $("uptime").textContent = clock.map((part) => String(part).padStart(2, "0")).join(":");
    $("listening").textContent = listening;
    $("messages").textContent = messages;
  });
}

// ---- the session

if (links.session) {
  const show = ({ name, visits }) => {
    $("name").textContent = name;
    $("avatar").textContent = [...name][0].toUpperCase();
    $("visits").textContent = visits === 1 ? "Your first visit" : `${visits} visits`;
  };
  const act = (method, data) => ask(links.session, { method, data }).then(show).then(reconnect);
  // The socket knows the visitor by the cookie that it was opened with.
  const reconnect = () => { disconnect(); connect(); };
  told(() => ask(links.session, { method: "POST" }).then(show))();
  $("forget").addEventListener("click", told(() => act("DELETE")));
  $("naming").addEventListener("submit", told(async (event) => {
    event.preventDefault();
    await act("PUT", { name: $("new-name").value });
    $("new-name").value = "";
  }));
}

// ---- GraphQL

if (links.graphql) {
  const examples = {
    query: "query {\n  tasks(column: todo) {\n    id\n    title\n    author\n    attachments\n  }\n}",
    mutation: 'mutation {\n  addTask(title: "Made by GraphQL", column: doing) {\n    task { id title author }\n  }\n}',
  };
  const choose = (name) => { $("question").value = examples[name]; };
  choose("query");
  for (const button of document.querySelectorAll("[data-example]")) {
    button.addEventListener("click", () => choose(button.dataset.example));
  }
  $("query").addEventListener("submit", told(async (event) => {
    event.preventDefault();
    const answer = await ask(links.graphql, { method: "POST", data: { query: $("question").value } });
    $("answer").textContent = JSON.stringify(answer, null, 2);
    $("answer").classList.toggle("bad", Boolean(answer.errors));
  }));
  $("question").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("query").requestSubmit();
  });
}

// ---- coming and going: a page that the browser keeps for its "back" button must not keep connections

const start = () => { connect(); watch(); };
window.addEventListener("pagehide", () => { disconnect(); events.close(); });
window.addEventListener("pageshow", ({ persisted }) => { if (persisted) start(); });
start();
