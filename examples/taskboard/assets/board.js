// The board's page. Every URL comes from the server: in #links, or in the data of a task.

const links = JSON.parse(document.getElementById("links").textContent);
const $ = (id) => document.getElementById(id);
const columns = [...document.querySelectorAll(".column")];
let addUrl = null;
let shownIds = null; // of the tasks shown before: only new cards are animated

// ---- requests

async function sendRequest(url, { method = "GET", data, body } = {}) {
  const headers = { Accept: "application/json" };
  if (data) headers["Content-Type"] = "application/json";
  const response = await fetch(url, { method, headers, body: data ? JSON.stringify(data) : body });
  const time = /dur=([\d.]+)/.exec(response.headers.get("Server-Timing") ?? "");
  if (time) $("timing").textContent = `${time[1]} ms`;
  if (response.status === 204) return null;
  const result = await response.json().catch(() => ({}));
  if (!response.ok && !result.errors) throw new Error(result.message ?? `${response.status} ${response.statusText}`);
  return result;
}

// Wraps the handlers, so that the page shows each error.
const showingErrors = (action) => async (...args) => {
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

const showBoard = showingErrors(async () => {
  const board = await sendRequest(links.board);
  addUrl = board.add_url;
  const focused = document.activeElement?.dataset?.key;
  const ids = new Set();
  board.columns.forEach(({ key, tasks }, columnIndex) => {
    const column = columns.find((element) => element.dataset.column === key);
    column.querySelector(".count").textContent = tasks.length;
    const cards = tasks.map((task) => { ids.add(task.id); return makeCard(task, columnIndex, board.columns); });
    column.querySelector(".cards").replaceChildren(...(cards.length ? cards : [makePlaceholder()]));
  });
  shownIds = ids;
  // The cards are new elements: move the focus to the same button, or to the nearest enabled one.
  if (focused) {
    const button = document.querySelector(`[data-key="${CSS.escape(focused)}"]`);
    const near = button?.disabled ? button.parentElement.querySelector("button:enabled") : button;
    (near ?? $("board")).focus({ preventScroll: true });
  }
});

function makePlaceholder() {
  const item = document.createElement("li");
  item.className = "empty";
  item.textContent = "Nothing here";
  return item;
}

function makeCard(task, columnIndex, columns) {
  const card = $("card").content.firstElementChild.cloneNode(true);
  card.classList.toggle("fresh", shownIds !== null && !shownIds.has(task.id));
  card.querySelector(".title").textContent = task.title;
  card.querySelector(".author").textContent = `by ${task.author}`;
  card.querySelector(".files").replaceChildren(...task.attachments.map(makeFile));
  const move = (step) => sendRequest(task.url, { method: "PATCH", data: { column: columns[columnIndex + step].key } });
  const tools = {
    back: [() => move(-1), columnIndex > 0 && `Move “${task.title}” to ${columns[columnIndex - 1].title}`],
    on: [() => move(1), columnIndex < columns.length - 1 && `Move “${task.title}” to ${columns[columnIndex + 1].title}`],
    attach: [() => chooseFile(task), `Attach a file to “${task.title}”`],
    remove: [() => sendRequest(task.url, { method: "DELETE" }), `Delete “${task.title}”`],
  };
  for (const [name, [action, label]] of Object.entries(tools)) {
    const button = card.querySelector(`[data-do="${name}"]`);
    button.dataset.key = `${task.id}-${name}`;
    button.disabled = !label;
    if (label) button.ariaLabel = button.title = label;
    button.addEventListener("click", showingErrors(action));
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
  $("file").onchange = showingErrors(() => upload(task, $("file").files[0]));
  $("file").click();
}

async function upload(task, file) {
  const form = new FormData();
  form.set("file", file);
  await sendRequest(task.attachments_url, { method: "POST", body: form });
}

// Cards can be dragged between columns, and files dropped on cards. Buttons do the same.
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
  card.addEventListener("drop", showingErrors(async (event) => {
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
  column.addEventListener("drop", showingErrors(async (event) => {
    mark(false);
    if (!dragged) return;
    event.preventDefault();
    if (dragged.column !== column.dataset.column) {
      await sendRequest(dragged.url, { method: "PATCH", data: { column: column.dataset.column } });
    }
  }));
  column.querySelector("form").addEventListener("submit", showingErrors(async (event) => {
    event.preventDefault();
    const field = event.target.elements.title;
    await sendRequest(addUrl, { method: "POST", data: { title: field.value, column: column.dataset.column } });
    field.value = "";
  }));
}

// ---- the websocket: changes and chat

let socket = null;
let reconnectDelay = 500; // milliseconds
let refreshTimer = null;

function connect() {
  const url = new URL(links.feed, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const newSocket = new WebSocket(url);
  socket = newSocket;
  newSocket.addEventListener("open", () => { reconnectDelay = 500; status("on", "Live"); showBoard(); });
  newSocket.addEventListener("message", ({ data }) => handleMessage(JSON.parse(data)));
  newSocket.addEventListener("close", () => {
    if (socket !== newSocket) return; // `disconnect` closed it
    status("off", "Reconnecting…");
    setTimeout(() => { if (socket === newSocket) connect(); }, reconnectDelay);
    reconnectDelay = Math.min(reconnectDelay * 2, 10000);
  });
}

function disconnect() {
  const oldSocket = socket;
  socket = null;
  oldSocket?.close();
}

function status(state, text) {
  $("status").dataset.state = state;
  $("status-text").textContent = text;
}

const changeTexts = {
  added: "was added", moved: "was moved", renamed: "was renamed", attached: "got a file", deleted: "was deleted",
};

function handleMessage(message) {
  if (message.kind === "task") {
    addToLog(`“${message.title}” ${changeTexts[message.what]}.`, "own");
    // Reload the board once for several changes at about the same time.
    clearTimeout(refreshTimer);
    refreshTimer = setTimeout(showBoard, 30);
  } else if (message.kind === "chat") {
    addToLog(`${message.who}: ${message.text}`);
  } else if (message.kind === "people") {
    $("listening").textContent = message.listening;
  } else if (message.kind === "goodbye") {
    addToLog("The server stops; this page reconnects by itself.", "own");
  }
}

function addToLog(text, kind = "") {
  const item = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  item.className = kind;
  item.append(time, text);
  $("log").append(item);
  while ($("log").children.length > 100) $("log").firstElementChild.remove();
  $("log").scrollTop = $("log").scrollHeight;
}

$("chat").addEventListener("submit", showingErrors((event) => {
  event.preventDefault();
  if (socket?.readyState !== WebSocket.OPEN) throw new Error("Not connected at the moment.");
  socket.send($("line").value);
  $("line").value = "";
}));

// ---- server-sent events: the ticker

let events = null;

function connectTicker() {
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
  const act = (method, data) => sendRequest(links.session, { method, data }).then(show).then(reconnect);
  // The server reads the name from the cookie with which the socket was opened.
  const reconnect = () => { disconnect(); connect(); };
  showingErrors(() => sendRequest(links.session, { method: "POST" }).then(show))();
  $("forget").addEventListener("click", showingErrors(() => act("DELETE")));
  $("naming").addEventListener("submit", showingErrors(async (event) => {
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
  $("query").addEventListener("submit", showingErrors(async (event) => {
    event.preventDefault();
    const result = await sendRequest(links.graphql, { method: "POST", data: { query: $("question").value } });
    $("answer").textContent = JSON.stringify(result, null, 2);
    $("answer").classList.toggle("bad", Boolean(result.errors));
  }));
  $("question").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("query").requestSubmit();
  });
}

// ---- connections: a page in the browser's back/forward cache must not keep them open

const start = () => { connect(); connectTicker(); };
window.addEventListener("pagehide", () => { disconnect(); events.close(); });
window.addEventListener("pageshow", ({ persisted }) => { if (persisted) start(); });
start();
