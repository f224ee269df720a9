// A websocket, and server-sent events with POST where no websocket gets through. Both connect again by themselves and
// ask for what was said meanwhile. `?transport=events` begins with events.
const room = location.pathname.split("/")[2] || "lobby"
const base = `/rooms/${room}`
const part = (id) => document.getElementById(id)
const query = new URLSearchParams(location.search)
const shown = new Map() // number of a message to its element
let socket = null
let pause = 300 // milliseconds until the next attempt
let refused = 0 // attempts in a row that failed although the server answers requests

part("room").textContent = room
part("name").value = query.get("name") || localStorage.getItem("name") || ""

const last = () => Math.max(0, ...shown.keys())
const say = (status) => { part("status").textContent = status }

function show(message) {
  if (message.kind === "presence") part("present").textContent = message.count
  if (message.kind === "refused") say(message.reason)
  if (message.kind !== "message" || shown.has(message.id)) return
  const item = document.createElement("li")
  const time = document.createElement("time")
  const name = document.createElement("b")
  time.textContent = new Date(message.at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
  name.textContent = message.name
  item.append(time, name, message.text)
  // History and new messages may cross on their way.
  const next = [...shown.keys()].filter((id) => id > message.id).sort((a, b) => a - b)[0]
  part("messages").insertBefore(item, shown.get(next) ?? null)
  shown.set(message.id, item)
  if (next === undefined) item.scrollIntoView()
}

function connect() {
  let opened = false
  const url = new URL(`${base}/ws?after=${last()}`, location.href)
  url.protocol = url.protocol.replace("http", "ws")
  socket = new WebSocket(url)
  socket.onopen = () => { opened = true; refused = 0; pause = 300; say("connected by websocket") }
  socket.onmessage = (event) => show(JSON.parse(event.data))
  socket.onclose = async () => {
    socket = null
    say("connecting again")
    // If the server answers, something on the way stops the websocket, such as a proxy.
    if (!opened && await answers()) refused++
    if (refused >= 2) { listen(); return }
    setTimeout(connect, pause * (0.5 + Math.random() / 2))
    pause = Math.min(pause * 2, 5000)
  }
}

const answers = () => fetch(`${base}/messages?after=${last()}`).then((response) => response.ok, () => false)

function listen() {
  const source = new EventSource(`${base}/events?after=${last()}`)
  source.onopen = () => say("connected by events")
  source.onmessage = (event) => show(JSON.parse(event.data))
  source.onerror = () => {
    say("connecting again")
    // The browser connects again by itself, unless it was refused.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000)
  }
}

part("form").onsubmit = async (event) => {
  event.preventDefault()
  const message = JSON.stringify({ name: part("name").value, text: part("text").value })
  localStorage.setItem("name", part("name").value)
  if (socket?.readyState === WebSocket.OPEN) {
    socket.send(message)
  } else {
    try {
      const response = await fetch(`${base}/messages`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: message,
      })
      if (!response.ok) { say(`not sent: ${response.status}`); return }
    } catch { say("not sent: no connection"); return }
  }
  part("text").value = ""
}

if (query.get("transport") === "events") listen()
else connect()
