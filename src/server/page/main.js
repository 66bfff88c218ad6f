// @ts-check
/// <reference lib="dom" />
import { Chat } from "./chat.js";
import { ChatView } from "./chat_view.js";
import { Composer } from "./composer.js";
import { ConversationList } from "./conversation_list.js";
import { Conversations } from "./conversations.js";
import { byId, setText } from "./dom.js";
import { ExpertsPanel } from "./experts_panel.js";
import { formatRate, formatShare } from "./format.js";
import { LiveEvents } from "./live_events.js";
import { SettingsDialog } from "./settings_dialog.js";
import { keep, openStorage } from "./storage.js";
import { setUpTheme } from "./theme.js";
import { waitingText } from "./waiting_text.js";

/** @typedef {import("./failure.js").WayOn} WayOn */
/** @typedef {import("../live/live_event.ts").RatesEvent} RatesEvent */

const EXPERTS_KEY = "moeno.hides-experts";

const storage = openStorage(() => localStorage);
const conversations = new Conversations(storage);
const settings = new SettingsDialog(storage);
const panel = new ExpertsPanel();
/** @type {RatesEvent | null} */
let rates = null;

const chat = new Chat({
  conversations,
  settings: () => settings.settings,
  onMessages: () => {
    view.show();
    view.followEnd();
    composer.show(chat.runOf() !== null);
  },
  onList: () => list.show(),
  onGrow: ({ conversation }) => {
    if (conversation.id === chat.current.id) view.grow();
  },
  onEnd: ({ conversation, message }) => {
    if (chat.model === "") askForModel();
    if (conversation.id !== chat.current.id) return;
    // Not word by word, which nobody could follow.
    byId("announcer", HTMLElement).textContent = message.end === "failed"
      ? ""
      : `${message.end === "stopped" ? "Stopped. " : ""}${message.content}`;
  },
});
const view = new ChatView(chat, {
  actions: {
    regenerate: () => go(chat.regenerate()),
    resend: (text) => go(chat.resend(text)),
    canShorten: () => chat.canShorten,
    goOn,
  },
  send: (text) => go(chat.send(text)),
  waitingText: (run) =>
    waitingText({
      comment: run.comment,
      waitedMs: performance.now() - run.startedMs,
      queued: rates?.queued ?? 0,
    }),
});
const composer = new Composer({
  storage: openStorage(() => sessionStorage),
  send: (text) => go(chat.send(text)),
  stop: () => chat.stop(),
});
const list = new ConversationList(chat, {
  conversations,
  onOpen: () => {
    view.scrollToEnd();
    composer.focus();
  },
});
const live = new LiveEvents({
  onModel: (model) => panel.showModel(model),
  onExperts: (experts) => panel.showExperts(experts),
  onRates: (latest) => {
    rates = latest;
    panel.showRates(latest);
    showGlance(latest);
  },
  onState: (state) => {
    panel.showState(state);
    if (state === "open" && chat.model === "") askForModel();
  },
});

setUpTheme(storage, () => panel.readColors());
setUpExperts();
// Seconds of waiting go on without the server.
setInterval(() => view.grow(), 1000);
addEventListener("pagehide", () => chat.saveAll());
addEventListener("storage", ({ key }) => {
  const id = Conversations.idOfKey(key);
  if (key !== null && id === null) return;
  chat.reread(id ?? chat.current.id); // another tab changed it, or cleared all
});
addEventListener("resize", () => view.followEnd());

const [latest] = chat.list();
if (latest === undefined) chat.startNew();
else chat.open(latest.id);
view.scrollToEnd();
composer.focus();
askForModel();

/**
 * What was just sent is looked at.
 *
 * @param {Promise<void>} _answer
 */
function go(_answer) {
  view.scrollToEnd();
  composer.focus();
}

/** @param {WayOn} way */
function goOn(way) {
  if (way === "retry") go(chat.regenerate());
  if (way === "shorten") go(chat.shorten());
  if (way === "settings") settings.open();
  if (way === "reload") location.reload();
  if (way === "new") {
    chat.startNew();
    composer.focus();
  }
}

async function askForModel() {
  try {
    const response = await fetch("v1/models");
    const { data } = await response.json();
    chat.model = String(data?.[0]?.id ?? "");
  } catch {
    return; // Asked again when the server is heard.
  }
  byId("model", HTMLElement).textContent = chat.model;
  byId("model", HTMLElement).title = chat.model;
  document.title = chat.model === "" ? "Moeno" : `${chat.model} – Moeno`;
  if (chat.runOf() === null) view.show();
}

/**
 * On narrow screens, where the experts are below.
 *
 * @param {RatesEvent} rates
 */
function showGlance({ tokensPerSecond, hitRate }) {
  const hits = hitRate === null ? "" : ` · ${formatShare(hitRate)} hits`;
  setText(
    byId("glance", HTMLElement),
    `Experts, live: ${formatRate(tokensPerSecond)} tok/s${hits}`,
  );
}

function setUpExperts() {
  const aside = byId("experts", HTMLElement);
  const button = byId("toggle-experts", HTMLButtonElement);
  const show = (/** @type {boolean} */ isShown) => {
    aside.hidden = !isShown;
    byId("glance", HTMLElement).hidden = !isShown;
    document.body.classList.toggle("no-experts", !isShown);
    button.setAttribute("aria-expanded", String(isShown));
    live.listen(isShown);
  };
  button.addEventListener("click", () => {
    const isShown = aside.hidden !== false;
    keep(storage, EXPERTS_KEY, isShown ? "" : "yes");
    show(isShown);
  });
  show(storage.getItem(EXPERTS_KEY) !== "yes");
}
