// Uses a websocket, or server-sent events with POST if no websocket can be opened. Both reconnect by themselves and
// request the messages that they missed. `?transport=events` starts with server-sent events.
const room = location.pathname.split("/")[2] || "lobby"
const base = `/rooms/${room}`
const element = (id) => document.getElementById(id)
const query = new URLSearchParams(location.search)
// The server sends messages in the order of their ids, so that none below this one is missing.
let lastId = 0
let socket = null
let reconnectDelay = 300 // milliseconds
let failures = 0 // consecutive failed websockets while the server responds to requests

element("room").textContent = room
element("name").value = query.get("name") || localStorage.getItem("name") || ""

const showStatus = (status) => { element("status").textContent = status }

function show(message) {
  if (message.kind === "presence") element("present").textContent = message.count
  if (message.kind === "refused") showStatus(message.reason)
  if (message.kind !== "message" || message.id <= lastId) return
  const item = document.createElement("li")
  const time = document.createElement("time")
  const name = document.createElement("b")
  time.textContent = new Date(message.at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
  name.textContent = message.name
  item.append(time, name, message.text)
  element("messages").append(item)
  lastId = message.id
  item.scrollIntoView()
}

function connect() {
  let opened = false
  const url = new URL(`${base}/ws?after=${lastId}`, location.href)
  url.protocol = url.protocol.replace("http", "ws")
  socket = new WebSocket(url)
  socket.onopen = () => { opened = true; failures = 0; reconnectDelay = 300; showStatus("connected by websocket") }
  socket.onmessage = (event) => show(JSON.parse(event.data))
  socket.onclose = async (event) => {
    socket = null
    // The server has refused the URL, and would refuse it again.
    if (event.code === 4400) { showStatus(`refused: ${event.reason}`); return }
    showStatus("reconnecting")
    // If the server responds, something between blocks the websocket, such as a proxy.
    if (!opened && await serverResponds()) failures++
    if (failures >= 2) { connectEvents(); return }
    setTimeout(connect, reconnectDelay * (0.5 + Math.random() / 2))
    reconnectDelay = Math.min(reconnectDelay * 2, 5000)
  }
}

const serverResponds = () => fetch(`${base}/messages?after=${lastId}`).then((response) => response.ok, () => false)

function connectEvents() {
  const source = new EventSource(`${base}/events?after=${lastId}`)
  source.onopen = () => showStatus("connected by events")
  source.onmessage = (event) => show(JSON.parse(event.data))
  source.onerror = () => {
    showStatus("reconnecting")
    // The browser reconnects by itself, unless the response was an error.
    if (source.readyState === EventSource.CLOSED) setTimeout(connectEvents, 2000)
  }
}

element("form").onsubmit = async (event) => {
  event.preventDefault()
  const message = JSON.stringify({ name: element("name").value, text: element("text").value })
  localStorage.setItem("name", element("name").value)
  if (socket?.readyState === WebSocket.OPEN) {
    socket.send(message)
  } else {
    try {
      const response = await fetch(`${base}/messages`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: message,
      })
      if (!response.ok) { showStatus(`not sent: ${response.status}`); return }
    } catch { showStatus("not sent: no connection"); return }
  }
  element("text").value = ""
}

if (query.get("transport") === "events") connectEvents()
else connect()
