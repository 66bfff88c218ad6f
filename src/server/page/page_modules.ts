import chat from "./chat.js" with { type: "text" };
import chatView from "./chat_view.js" with { type: "text" };
import composer from "./composer.js" with { type: "text" };
import conversationFile from "./conversation_file.js" with { type: "text" };
import conversationList from "./conversation_list.js" with { type: "text" };
import conversations from "./conversations.js" with { type: "text" };
import copyButton from "./copy_button.js" with { type: "text" };
import dom from "./dom.js" with { type: "text" };
import expertsPanel from "./experts_panel.js" with { type: "text" };
import failure from "./failure.js" with { type: "text" };
import format from "./format.js" with { type: "text" };
import gridState from "./grid_state.js" with { type: "text" };
import gridView from "./grid_view.js" with { type: "text" };
import liveEvents from "./live_events.js" with { type: "text" };
import main from "./main.js" with { type: "text" };
import markdown from "./markdown.js" with { type: "text" };
import markdownInline from "./markdown_inline.js" with { type: "text" };
import markdownTable from "./markdown_table.js" with { type: "text" };
import markdownView from "./markdown_view.js" with { type: "text" };
import messageView from "./message_view.js" with { type: "text" };
import rateChart from "./rate_chart.js" with { type: "text" };
import rateHistory from "./rate_history.js" with { type: "text" };
import settings from "./settings.js" with { type: "text" };
import settingsDialog from "./settings_dialog.js" with { type: "text" };
import sse from "./sse.js" with { type: "text" };
import storage from "./storage.js" with { type: "text" };
import streamChat from "./stream_chat.js" with { type: "text" };
import theme from "./theme.js" with { type: "text" };
import toldMessages from "./told_messages.js" with { type: "text" };
import waitingText from "./waiting_text.js" with { type: "text" };

/**
 * The scripts of the page, as text: each after those that it imports. Kernels
 * are read in the same way, so the page is in a compiled program and needs no
 * permission to read files.
 */
export const PAGE_MODULES: readonly string[] = [
  format,
  dom,
  copyButton,
  sse,
  settings,
  failure,
  streamChat,
  toldMessages,
  storage,
  conversationFile,
  conversations,
  chat,
  waitingText,
  markdownInline,
  markdownTable,
  markdown,
  markdownView,
  messageView,
  chatView,
  conversationList,
  composer,
  settingsDialog,
  gridState,
  gridView,
  rateHistory,
  rateChart,
  expertsPanel,
  liveEvents,
  theme,
  main,
];
