/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
// The desk: a page for staff. It uses the public staff API and nothing else, so whatever it does is
// authorised and audited like any other call. No framework and no build step: h() makes elements,
// each view is a function that fills the main part, ask() calls the API.

// ---- words: [English, Arabic] ----
const WORDS = {
  desk: ["Desk", "المكتب"],
  key: ["Staff key", "مفتاح الموظف"],
  keyHelp: ["It is kept in this tab and forgotten when the tab is closed.",
    "يُحفظ في هذه النافذة ويُنسى عند إغلاقها."],
  signIn: ["Sign in", "دخول"],
  signOut: ["Sign out", "خروج"],
  other: ["العربية", "English"],
  badKey: ["This key is not valid.", "هذا المفتاح غير صالح."],
  badLink: ["This link was used or is too old. Ask for another one.",
    "هذا الرابط مستعمل أو قديم. اطلب رابطا آخر."],
  venue: ["Venue", "الفرع"],
  notifications: ["Failed messages", "رسائل فاشلة"],
  calendar: ["Calendar", "التقويم"],
  customers: ["Customers", "العملاء"],
  payments: ["Payments", "المدفوعات"],
  providers: ["Providers", "المزودون"],
  audit: ["Audit", "سجل الأعمال"],
  byReason: ["By reason: {n}", "حسب السبب: {n}"],
  oneByOne: ["One by one", "واحدة واحدة"],
  template: ["Message", "الرسالة"],
  error: ["Error", "الخطأ"],
  count: ["Count", "العدد"],
  oldest: ["Oldest", "الأقدم"],
  newest: ["Newest", "الأحدث"],
  all: ["All", "الكل"],
  since: ["Since", "منذ"],
  acknowledged: ["Acknowledged ones", "المُقَرّ بها"],
  show: ["Show", "عرض"],
  resend: ["Resend", "إعادة إرسال"],
  acknowledge: ["Acknowledge", "إقرار"],
  resendAll: ["Resend all of these", "إعادة إرسال هذه كلها"],
  acknowledgeAll: ["Acknowledge all of these", "الإقرار بهذه كلها"],
  resendSome: ["Resend selected", "إعادة إرسال المحدد"],
  acknowledgeSome: ["Acknowledge selected", "الإقرار بالمحدد"],
  select: ["Select", "تحديد"],
  willResend: ["Messages to send: {n} ({p} SMS parts)",
    "رسائل ستُرسل: {n} (أجزاء SMS: ‏{p})"],
  willAcknowledge: ["Messages to acknowledge: {n} – they are not sent",
    "رسائل سيُقَرّ بها: {n} – ولن تُرسل"],
  sentSoFar: ["Sent {s}, failed again {f}.", "أُرسل {s}، وفشل مجددا {f}."],
  acked: ["Acknowledged {n}.", "أُقِرّ بـ {n}."],
  nothing: ["Nothing here.", "لا شيء هنا."],
  more: ["More", "المزيد"],
  action: ["Actions", "الإجراءات"],
  recipient: ["To", "إلى"],
  tel: ["Phone", "الهاتف"],
  paid: ["Paid", "دُفع"],
  at: ["Time", "الوقت"],
  detail: ["Detail", "التفاصيل"],
  attempts: ["Attempts", "المحاولات"],
  yes: ["Yes, do it", "نعم"],
  close: ["Close", "إغلاق"],
  date: ["Date", "التاريخ"],
  time: ["Time", "الوقت"],
  before: ["Previous day", "اليوم السابق"],
  today: ["Today", "اليوم"],
  after: ["Next day", "اليوم التالي"],
  book: ["Book", "حجز"],
  block: ["Block time", "حجب وقت"],
  unblock: ["Unblock", "إلغاء الحجب"],
  blocked: ["Blocked", "محجوب"],
  service: ["Service", "الخدمة"],
  resource: ["Resource", "المورد"],
  any: ["Any", "أي"],
  wholeVenue: ["The whole venue", "الفرع كله"],
  phone: ["Phone (none for a guest)", "الهاتف (دونه للضيف)"],
  name: ["Name", "الاسم"],
  party: ["People", "الأشخاص"],
  note: ["Note", "ملاحظة"],
  payment: ["Payment", "الدفع"],
  pay_default: ["As the service says", "كما في الخدمة"],
  pay_link: ["Link by SMS", "رابط برسالة"],
  pay_on_site: ["On site", "في الفرع"],
  pay_none: ["None", "بدون"],
  force: ["Pass over the venue's rules (never the capacity)",
    "تجاوز قواعد الفرع (لا السعة)"],
  minutes: ["Minutes", "الدقائق"],
  reason: ["Reason", "السبب"],
  move: ["Move", "نقل"],
  cancel: ["Cancel booking", "إلغاء الحجز"],
  complete: ["Complete", "تم الحضور"],
  noShow: ["No-show", "لم يحضر"],
  reopen: ["Reopen", "إعادة فتح"],
  refund: ["Refund", "استرداد"],
  refundFull: ["Everything", "الكل"],
  refundNone: ["Nothing", "لا شيء"],
  refundPart: ["An amount", "مبلغ"],
  sendLink: ["Send the payment link", "إرسال رابط الدفع"],
  linkSent: ["The payment link was sent.", "أُرسل رابط الدفع."],
  linkNotSent: ["There is no payment link: {c}", "لا يوجد رابط دفع: {c}"],
  left: ["Left of it", "المتبقي منه"],
  allVenues: ["All venues", "كل الفروع"],
  accept: ["Accept", "قبول"],
  amount: ["Amount", "المبلغ"],
  status: ["Status", "الحالة"],
  history: ["History", "السجل"],
  who: ["By", "بواسطة"],
  customer: ["Customer", "العميل"],
  guest: ["Guest", "ضيف"],
  booking: ["Booking", "الحجز"],
  automatic: ["automatic", "تلقائي"],
  search: ["Phone or name", "هاتف أو اسم"],
  find: ["Search", "بحث"],
  blockCustomer: ["Block customer", "حظر العميل"],
  unblockCustomer: ["Unblock customer", "رفع الحظر"],
  save: ["Save", "حفظ"],
  open: ["Open", "فتح"],
  person: ["What needs a person", "ما يحتاج إلى شخص"],
  circuit: ["State", "الحالة"],
  inFlight: ["Calls now", "نداءات الآن"],
  lastFault: ["Last fault", "آخر خطأ"],
  subject: ["Subject", "الموضوع"],
  conflicts: ["Bookings that no longer fit: {n}", "حجوزات لم تعد مناسبة: {n}"],
  done: ["Done.", "تم."],
  offline: ["The server cannot be reached.", "تعذر الوصول إلى الخادم."],
  paidOf: ["{p} paid, {d} due", "دُفع {p} والمستحق {d}"],
  surplus: ["Surplus", "زائد"],
  s_pending_payment: ["waits for payment", "بانتظار الدفع"],
  s_confirmed: ["confirmed", "مؤكد"],
  s_cancelled: ["cancelled", "ملغى"],
  s_expired: ["expired", "منتهٍ"],
  s_completed: ["completed", "حضر"],
  s_no_show: ["no-show", "لم يحضر"],
  s_unknown: ["outcome unknown", "النتيجة غير معروفة"],
  s_mismatch: ["another amount was paid", "دُفع مبلغ مختلف"],
  s_paid: ["paid", "مدفوع"],
  s_creating: ["being made", "قيد الإنشاء"],
  s_initiated: ["waits for the payer", "بانتظار الدافع"],
  s_failed: ["failed", "فشل"],
  s_refunded: ["refunded", "مُسترد"],
  s_partially_refunded: ["partly refunded", "مُسترد جزئيا"],
  s_SENT: ["sent", "أُرسلت"],
  s_FAILED: ["failed", "فشلت"],
  s_PENDING: ["being sent", "قيد الإرسال"],
  s_closed: ["in use", "يعمل"],
  s_open: ["refused here", "مرفوض هنا"],
  s_half_open: ["being tried", "قيد التجربة"],
};

// ---- state ----
const store = window.sessionStorage;
const state = {
  key: store.getItem("key"),
  lang: store.getItem("lang") || (navigator.language.startsWith("ar") ? "ar" : "en"),
  who: null, venues: [], venue: null, view: "notifications", date: null,
};
const acts = () => state.who && state.who.role !== "viewer";
const t = (word, values) => {
  const text = (WORDS[word] || [word, word])[state.lang === "ar" ? 1 : 0];
  return text.replace(/\{(\w)\}/g, (_, k) => values[k]);
};
const status = (s) => (WORDS["s_" + s] ? t("s_" + s) : s);

// ---- elements ----
function h(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) {
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (k in e && k !== "list" && typeof v !== "string") e[k] = v;
    else if (v !== null && v !== undefined && v !== false) e.setAttribute(k, v);
  }
  e.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return e;
}
const button = (word, onclick, extra) =>
  h("button", { type: "button", onclick, ...extra }, t(word));
// Identifiers, phones and codes keep their direction inside Arabic text.
const plain = (text) => h("bdi", null, text === null || text === undefined ? "" : String(text));
function field(word, input) {
  return h("label", null, t(word), h("br"), input);
}
function options(pairs, value) {
  return pairs.map(([v, text]) =>
    h("option", { value: v, selected: v === value, dir: "auto" }, text));
}
// On a phone each row is a card (desk.css), so the roles are said, which the style would take away.
function row(heads, cells) {
  return h("tr", { role: "row" },
    cells.map((c, i) => {
      const cell = h("td", { role: "cell", "data-head": heads[i] }, h("div", null, c));
      if (!cell.textContent && !cell.querySelector("input")) cell.className = "none";
      return cell;
    }));
}
function grid(caption, heads, body) {
  return h("div", { class: "wide", tabIndex: 0, role: "region", "aria-label": caption },
    h("table", { role: "table" }, h("caption", null, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
        heads.map((x) => h("th", { scope: "col", role: "columnheader" }, x)))), body));
}
function table(caption, heads, rows) {
  if (!rows.length) return h("p", { class: "soft" }, t("nothing"));
  return grid(caption, heads, h("tbody", { role: "rowgroup" }, rows.map((r) => row(heads, r))));
}
function say(text, bad) {
  const place = document.getElementById("status");
  place.replaceChildren(h("p", { class: bad ? "bad-news" : "news" }, text));
  clearTimeout(say.timer);
  say.timer = setTimeout(() => place.replaceChildren(), 6000);
}

// ---- the API ----
class Problem extends Error {}
function unique() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16)).join("-");
}
async function ask(method, path, body, headers) {
  let r;
  try {
    r = await fetch(path, {
      method, cache: "no-store", credentials: "omit", redirect: "error",
      headers: {
        ...(state.key ? { Authorization: "Bearer " + state.key } : {}),
        "Accept-Language": state.lang,
        ...(body !== undefined ? { "Content-Type": "application/json" } : {}),
        ...(headers || {}),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Problem(t("offline"));
  }
  const answer = r.status === 204 ? null : await r.json().catch(() => null);
  if (r.status === 401 && state.who) signOut(t("badKey"));
  if (r.ok) return answer;
  const p = new Problem((answer && [answer.title, answer.detail].filter(Boolean).join(" ") +
    (answer.errors || []).map((e) => ` ${e.pointer}: ${e.detail}`).join(";")) || String(r.status));
  p.status = r.status;
  p.code = answer && answer.code;
  throw p;
}
const get = (path) => ask("GET", path);
// A repeat after a lost answer must not book or refund twice: one name per press of a button.
const post = (path, body, named) =>
  ask("POST", path, body, named ? { "Idempotency-Key": unique() } : {});
async function every(path) {
  const items = [];
  for (let after = ""; after !== null;) {
    const page = await get(path + (path.includes("?") ? "&" : "?") + "limit=100" + after);
    items.push(...page.items);
    after = page.next && items.length < 2000 ? "&after=" + encodeURIComponent(page.next) : null;
  }
  return items;
}
function query(values) {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(values))
    if (v !== null && v !== undefined && v !== "") q.set(k, v);
  return q.toString();
}
// Runs what a button stands for: one at a time, faults are said.
async function run(work) {
  try {
    return await work();
  } catch (e) {
    if (!(e instanceof Problem)) throw e;
    say(e.message, true);
    return undefined;
  }
}

// ---- time and money: as the venue's clock and currency say ----
const zone = () => (state.venue ? state.venue.time_zone : "UTC");
const locale = () => (state.lang === "ar" ? "ar-u-nu-latn-ca-gregory" : "en-GB");
function format(at, parts) {
  return new Intl.DateTimeFormat(locale(), { timeZone: zone(), ...parts }).format(new Date(at));
}
// A line never ends between an hour and its half of the day.
const whole = (text) => text.replace(/ (?=\S+$)/, "\u00a0");
const when = (at) => whole(format(at, { dateStyle: "medium", timeStyle: "short" }));
const clock = (at) => whole(format(at, { timeStyle: "short" }));
function local(at) {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone(), hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
    hour: "2-digit", minute: "2-digit",
  }).formatToParts(new Date(at));
  const p = Object.fromEntries(parts.map((x) => [x.type, x.value]));
  return { date: `${p.year}-${p.month}-${p.day}`, time: `${p.hour}:${p.minute}` };
}
// The instant at which the venue's clock shows this; the second round is for a changed offset. What
// the clock skips when it is put forward is read as if it had not been: the later of the two.
function instant(date, time) {
  const wanted = Date.parse(`${date}T${time}:00Z`);
  const shown = (at) => { const l = local(at); return Date.parse(`${l.date}T${l.time}:00Z`); };
  const first = wanted + wanted - shown(wanted);
  const second = first + wanted - shown(first);
  const at = shown(second) === wanted ? second : Math.max(first, second);
  return new Date(at).toISOString().replace(".000Z", "Z");
}
function shift(date, days) {
  return new Date(Date.parse(date + "T12:00:00Z") + days * 864e5).toISOString().slice(0, 10);
}
function digits(currency) {
  return new Intl.NumberFormat("en", { style: "currency", currency })
    .resolvedOptions().maximumFractionDigits;
}
function money(amount, currency) {
  return new Intl.NumberFormat(locale(), { style: "currency", currency })
    .format(amount / 10 ** digits(currency));
}

// ---- dialogs ----
function dialog(title, content, onclose) {
  const d = h("dialog", { "aria-label": title },
    h("h2", null, plain(title)), content,
    h("div", { class: "bar" }, button("close", () => d.close())));
  const back = document.activeElement;
  d.addEventListener("close", () => {
    d.remove();
    if (back && back.isConnected) back.focus();
    if (onclose) onclose();
  });
  document.body.append(d);
  d.showModal();
  return d;
}
// A form in a dialog; `work` gets it, and the dialog closes when that went well.
function form(title, fields, word, work) {
  const submit = h("button", { type: "submit", class: "main" }, t(word));
  const fault = h("p", { class: "bad", role: "alert" });
  const f = h("form", {
    novalidate: false,
    onsubmit: async (e) => {
      e.preventDefault();
      submit.disabled = true;
      try {
        await work(f.elements);
        d.close();
        say(t("done"));
      } catch (p) {
        if (!(p instanceof Problem)) throw p;
        fault.textContent = p.message;
      }
      submit.disabled = false;
    },
  }, fields, fault, submit);
  const d = dialog(title, f);
  return d;
}
function confirm(title, text, work, bad) {
  return form(title, h("p", null, text), "yes", work, bad);
}

// ---- signing in ----
function signOut(text) {
  state.key = state.who = null;
  store.removeItem("key");
  document.querySelectorAll("dialog").forEach((d) => d.close());
  signInPage(text);
}
function signInPage(fault) {
  const input = h("input", { name: "key", type: "password", required: true, autocomplete: "off",
    spellcheck: "false", "aria-describedby": "help" });
  document.getElementById("app").replaceChildren(
    h("header", null, h("h1", null, "bookingd · ", t("desk")), languageButton()),
    h("main", null, h("form", {
      onsubmit: (e) => {
        e.preventDefault();
        state.key = input.value.trim();
        start(t("badKey"));
      },
    }, field("key", input), h("p", { id: "help", class: "soft" }, t("keyHelp")),
    fault ? h("p", { class: "bad", role: "alert" }, fault) : null,
    h("button", { type: "submit", class: "main" }, t("signIn")))));
  input.focus();
}
function languageButton() {
  return h("button", {
    type: "button", lang: state.lang === "ar" ? "en" : "ar",
    onclick: () => {
      state.lang = state.lang === "ar" ? "en" : "ar";
      store.setItem("lang", state.lang);
      setLanguage();
      if (state.who) frame(); else signInPage();
    },
  }, t("other"));
}
function setLanguage() {
  document.documentElement.lang = state.lang;
  document.documentElement.dir = state.lang === "ar" ? "rtl" : "ltr";
}
async function start(fault) {
  try {
    state.who = await get("/v1/staff/me");
    state.venues = await every("/v1/staff/venues");
  } catch (e) {
    if (!(e instanceof Problem)) throw e;
    state.who = state.key = null;
    store.removeItem("key");
    signInPage(e.status === 401 || e.status === undefined ? fault || e.message : e.message);
    return;
  }
  store.setItem("key", state.key);
  state.venue = state.venues[0] || null;
  frame();
}
// A link of `bookingd desk-link`: its code goes into the part of the address that is never sent.
async function startByLink(code) {
  history.replaceState(null, "", location.pathname);
  try {
    state.key = (await post("/v1/staff/sessions", { link: code })).key;
  } catch (e) {
    if (!(e instanceof Problem)) throw e;
    signInPage(e.code === "unauthorized" ? t("badLink") : e.message);
    return;
  }
  start();
}

// ---- the frame ----
const VIEWS = { notifications, calendar, customers, payments, providers, audit };
function frame() {
  const visible = Object.keys(VIEWS).filter((v) => v !== "audit" || state.who.role === "admin");
  const venue = h("select", {
    id: "venue",
    onchange: (e) => {
      state.venue = state.venues.find((v) => v.id === e.target.value);
      show();
    },
  }, options(state.venues.map((v) => [v.id, v.name]), state.venue && state.venue.id));
  document.getElementById("app").replaceChildren(
    h("header", null, h("h1", null, "bookingd · ", plain(state.who.name)),
      h("label", null, t("venue"), " ", venue), languageButton(),
      button("signOut", () => signOut()),
      h("nav", { "aria-label": t("desk") }, visible.map((v) => button(v, () => {
        state.view = v;
        show();
      }, { id: "go-" + v })))),
    h("main", { id: "main", tabIndex: -1 }));
  show();
}
async function show() {
  for (const b of document.querySelectorAll("nav button"))
    if (b.id === "go-" + state.view) b.setAttribute("aria-current", "page");
    else b.removeAttribute("aria-current");
  const main = document.getElementById("main");
  if (!main) return;
  const turn = (show.turn = (show.turn || 0) + 1);
  const content = await run(() => VIEWS[state.view]());
  // A view that was left while it was loading must not come back over the next one.
  if (!content || turn !== show.turn) return;
  main.replaceChildren(h("h2", null, t(state.view)), ...content.filter(Boolean));
  // A day begins at midnight, its work does not.
  const tops = [...main.querySelectorAll(".days .event")].map((e) => e.offsetTop);
  if (tops.length) main.querySelector(".days").scrollTop = Math.min(...tops) - 32;
}

// ---- failed messages ----
const filter = { venue: "", template: "", error_code: "", since: "", acknowledged: false };
function filterQuery() {
  return {
    venue_id: filter.venue, template: filter.template, error_code: filter.error_code,
    since: filter.since ? instant(filter.since, "00:00") : "", acknowledged: filter.acknowledged,
  };
}
function filterBody(extra) {
  const body = { ...extra };
  for (const [k, v] of Object.entries(filterQuery())) if (v !== "") body[k] = v;
  return body;
}
async function notifications() {
  const all = await every("/v1/staff/notifications/groups?" +
    query({ acknowledged: filter.acknowledged }));
  const chosen = await every("/v1/staff/notifications/groups?" + query(filterQuery()));
  const choice = (word, name, member) => field(word, h("select", {
    name, onchange: (e) => { filter[name] = e.target.value; show(); },
  }, options([["", t("all")], ...[...new Set(all.map((g) => g[member]))].map((x) => [x, x])],
    filter[name])));
  const total = chosen.reduce((n, g) => n + g.count, 0);
  const groups = table(t("byReason", { n: total }),
    [t("template"), t("error"), t("count"), t("oldest"), t("newest"), t("action")],
    chosen.map((g) => [plain(g.template), plain(g.error_code), h("b", null, String(g.count)),
      when(g.oldest_at), when(g.newest_at),
      button("show", () => {
        filter.template = g.template;
        filter.error_code = g.error_code;
        show();
      }, { "aria-label": `${t("show")}: ${g.template}, ${g.error_code}` })]));
  // All venues at first: so the count is the one that alerts, and that the status page shows.
  const venues = state.venues.length < 2 ? null : field("venue", h("select", {
    name: "venue", onchange: (e) => { filter.venue = e.target.value; show(); },
  }, options([["", t("allVenues")], ...state.venues.map((v) => [v.id, v.name])], filter.venue)));
  const bar = h("div", { class: "bar" }, venues, choice("template", "template", "template"),
    choice("error", "error_code", "error_code"),
    field("since", h("input", {
      type: "date", name: "since", value: filter.since,
      onchange: (e) => { filter.since = e.target.value; show(); },
    })),
    h("label", { class: "row" }, h("input", {
      type: "checkbox", name: "acknowledged", checked: filter.acknowledged,
      onchange: (e) => { filter.acknowledged = e.target.checked; show(); },
    }), t("acknowledged")));
  const whole = acts() && total ? h("div", { class: "bar" },
    button("resendAll", () => resend(filterBody()), { class: "main", id: "resend-all" }),
    filter.acknowledged ? null
      : button("acknowledgeAll", () => acknowledge(filterBody()),
        { id: "acknowledge-all" })) : null;
  return [bar, groups, whole, await notificationList()];
}
async function notificationList() {
  const place = h("div");
  const items = [];
  const selected = new Set();
  let next = "";
  const path = "/v1/staff/notifications?" + query({ ...filterQuery(), status: "FAILED" });
  async function more() {
    const page = await get(path + (next ? "&after=" + encodeURIComponent(next) : ""));
    items.push(...page.items);
    next = page.next;
    draw();
  }
  function draw() {
    const some = acts() ? h("div", { class: "bar" },
      button("resendSome", () => selected.size && resend({ ids: [...selected] }),
        { id: "resend-some" }),
      button("acknowledgeSome", () => selected.size && acknowledge({ ids: [...selected] }),
        { id: "acknowledge-some" })) : null;
    const heads = [t("recipient"), t("template"), t("error"), t("detail"), t("at"), t("attempts")];
    place.replaceChildren(...[items.length ? some : null, table(t("oneByOne"),
      acts() ? [t("select"), ...heads, t("action")] : heads,
      items.map((n) => {
        const cells = [plain(n.recipient), plain(n.template), plain(n.error_code),
          plain(n.error_detail), when(n.created_at), String(n.attempts)];
        if (!acts()) return cells;
        return [h("input", {
          type: "checkbox", "aria-label": `${t("select")} ${n.recipient} ${when(n.created_at)}`,
          checked: selected.has(n.id),
          onchange: (e) => e.target.checked ? selected.add(n.id) : selected.delete(n.id),
        }), ...cells, h("span", null,
          button("resend", () => run(async () => {
            const r = await post(`/v1/staff/notifications/${n.id}/resend`, undefined);
            say(status(r.status), r.status === "FAILED");
            show();
          }), { class: "one-resend", "aria-label": `${t("resend")} ${n.recipient}` }),
          n.acknowledged_at ? null : button("acknowledge", () => run(async () => {
            await post("/v1/staff/notifications/acknowledge", { ids: [n.id] });
            say(t("done"));
            show();
          }), { class: "one-acknowledge", "aria-label": `${t("acknowledge")} ${n.recipient}` }))];
      })), next ? button("more", () => run(more)) : null].filter(Boolean));
  }
  await more();
  return place;
}
// First how many and how dear, then in pages that try nobody twice.
function resend(body) {
  return run(async () => {
    const dry = await post("/v1/staff/notifications/resend", { ...body, dry_run: true });
    confirm(t("resend"), t("willResend", { n: dry.matched, p: dry.sms_parts }), async () => {
      let sent = 0, failed = 0, after;
      do {
        const page = await post("/v1/staff/notifications/resend",
          { ...body, limit: 100, ...(after ? { after } : {}) });
        sent += page.sent;
        failed += page.failed;
        after = page.next;
        say(t("sentSoFar", { s: sent, f: failed }));
      } while (after);
      show();
      setTimeout(() => say(t("sentSoFar", { s: sent, f: failed })));
    });
  });
}
function acknowledge(body) {
  return run(async () => {
    const wanted = { ...body };
    delete wanted.acknowledged;
    const dry = await post("/v1/staff/notifications/acknowledge", { ...wanted, dry_run: true });
    confirm(t("acknowledge"), t("willAcknowledge", { n: dry.matched }), async () => {
      const r = await post("/v1/staff/notifications/acknowledge", wanted);
      show();
      setTimeout(() => say(t("acked", { n: r.acknowledged })));
    });
  });
}

// ---- calendar ----
const REM = 3; // of an hour; the style has the same
async function calendar() {
  if (!state.venue) return [h("p", { class: "soft" }, t("nothing"))];
  const venue = "/v1/staff/venues/" + state.venue.id;
  state.date = state.date || local(Date.now()).date;
  const [resources, bookings, closures] = await Promise.all([
    every(venue + "/resources"),
    every(`${venue}/calendar?` + query({ from: state.date, to: state.date })),
    every(venue + "/closures"),
  ]);
  const go = (date) => () => { state.date = date; show(); };
  const one = resources.find((r) => r.id === state.resource);
  const choice = resources.length < 2 ? null : field("resource", h("select", {
    name: "of", onchange: (e) => { state.resource = e.target.value; show(); },
  }, options([["", t("all")], ...resources.map((r) => [r.id, r.name])], one ? one.id : "")));
  const bar = h("div", { class: "bar" },
    button("before", go(shift(state.date, -1))), button("today", go(local(Date.now()).date)),
    button("after", go(shift(state.date, 1))),
    field("date", h("input", {
      type: "date", name: "day", value: state.date, required: true,
      onchange: (e) => e.target.value && go(e.target.value)(),
    })),
    choice,
    acts() ? button("book", () => bookForm(resources), { class: "main", id: "book" }) : null,
    acts() ? button("block", () => blockForm(resources), { id: "block" }) : null);
  const begin = Date.parse(instant(state.date, "00:00"));
  const end = Date.parse(instant(shift(state.date, 1), "00:00"));
  const columns = resources.filter((r) => one ? r === one
    : r.active || bookings.some((b) => b.resource_id === r.id));
  const listed = bookings.filter((b) => !one || b.resource_id === one.id);
  // A day has 23 or 25 hours when the clock is changed: the marks say what the clock shows.
  const marks = [];
  for (let at = begin + 36e5; at < end; at += 36e5) marks.push(local(at).time);
  const days = h("div", { class: "days", tabIndex: 0, role: "region", "aria-label": t("calendar") },
    columns.map((r) => {
      const day = h("div", { class: "day", "data-resource": r.id });
      day.style.height = (marks.length + 1) * REM + "rem";
      marks.forEach((time, i) => {
        const mark = h("span", { class: "hour", "aria-hidden": "true" }, time);
        mark.style.top = (i + 1) * REM + "rem";
        day.append(mark);
      });
      const live = bookings.filter((b) => b.resource_id === r.id &&
        !["cancelled", "expired"].includes(b.status));
      const lanes = lanesOf(live);
      const shown = [...live, ...closures.filter((c) => !c.resource_id || c.resource_id === r.id)];
      // In the order of time: on a phone they stand one below the other.
      for (const x of shown.sort((p, q) => Date.parse(p.starts_at) - Date.parse(q.starts_at))) {
        const booked = lanes.of.has(x);
        const e = booked ? bookingButton(x, resources) : closureButton(x);
        placed(day, x, begin, end, e);
        if (!booked) continue;
        e.style.insetInlineStart = (100 * lanes.of.get(x)) / lanes.n + "%";
        e.style.width = `calc(${100 / lanes.n}% - .2rem)`;
      }
      return h("section", { "aria-label": r.name }, h("h3", null, plain(r.name)), day);
    }));
  return [bar, days, table(t("calendar"), [t("time"), t("status"), t("customer"), t("service"),
    t("resource"), t("action")], listed.map((b) => [
    `${clock(b.starts_at)}–${clock(b.ends_at)}`, status(b.status), personOf(b),
    plain(b.service_name), plain(b.resource_name),
    button("open", () => openBooking(b.id, resources),
      {
        class: "open-booking",
        "aria-label": `${t("open")} ${clock(b.starts_at)} ${b.service_name}`,
      }),
  ]))];
}
// Bookings that meet lie side by side, where a resource takes several at once.
function lanesOf(bookings) {
  const ends = [], of = new Map();
  for (const b of [...bookings].sort((x, y) => (x.starts_at < y.starts_at ? -1 : 1))) {
    let lane = ends.findIndex((end) => end <= b.starts_at);
    if (lane < 0) lane = ends.length;
    ends[lane] = b.ends_at;
    of.set(b, lane);
  }
  return { of, n: Math.max(1, ends.length) };
}
function personOf(b) {
  const name = b.guest_name || (b.customer && (b.customer.name || b.customer.phone)) || t("guest");
  return plain(name);
}
// Who did something: staff by name, customers as such, all else by itself.
function actorOf(actor) {
  if (actor.startsWith("staff:")) return plain(actor.slice(6));
  return actor.startsWith("customer") ? t("customer") : t("automatic");
}
function placed(day, what, begin, end, element) {
  const from = Math.max(Date.parse(what.starts_at), begin);
  const to = Math.min(Date.parse(what.ends_at), end);
  if (to <= from) return;
  element.style.top = ((from - begin) / 36e5) * REM + "rem";
  element.style.height = ((to - from) / 36e5) * REM + "rem";
  element.classList.toggle("short", to - from < 45 * 6e4); // there is room for one line
  day.append(element);
}
function closureButton(c) {
  const text = h("span", null, `${t("blocked")} ${clock(c.starts_at)}–${clock(c.ends_at)} `,
    plain(c.reason));
  if (!acts()) return h("div", { class: "event closed" }, text);
  return h("button", {
    type: "button", class: "event closed", onclick: () =>
      confirm(t("unblock"), text.cloneNode(true), async () => {
        await ask("DELETE", "/v1/staff/closures/" + c.id);
        show();
      }),
  }, text);
}
function bookingButton(b, resources) {
  const e = h("button", {
    type: "button", class: "event " + b.status, "data-booking": b.id,
    onclick: () => !e.dragged && openBooking(b.id, resources),
  }, h("b", null, clock(b.starts_at)), " ", personOf(b),
  h("span", { class: "second" }, plain(b.service_name), " · ", status(b.status)));
  if (acts() && ["confirmed", "pending_payment"].includes(b.status)) dragging(e, b, resources);
  return e;
}
// Dragging only fills in the form for a move: a slip of the hand moves nobody.
function dragging(e, b, resources) {
  e.addEventListener("pointerdown", (down) => {
    if (down.button !== 0 || getComputedStyle(e).position !== "absolute") return;
    e.dragged = false;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) * REM;
    const shown = (at) => Math.round((at.clientY - down.clientY) / rem * 12) * 5;
    const moved = (at) => {
      if (Math.abs(at.clientY - down.clientY) + Math.abs(at.clientX - down.clientX) < 6) return;
      e.dragged = true;
      e.classList.add("moving");
      e.style.transform =
        `translate(${at.clientX - down.clientX}px, ${at.clientY - down.clientY}px)`;
    };
    const up = (at) => {
      document.removeEventListener("pointermove", moved);
      document.removeEventListener("pointerup", up);
      document.removeEventListener("pointercancel", up);
      e.classList.remove("moving");
      e.style.transform = "";
      if (!e.dragged || at.type === "pointercancel") return;
      const under = document.elementsFromPoint(at.clientX, at.clientY)
        .find((x) => x.classList.contains("day"));
      const start = new Date(Date.parse(b.starts_at) + shown(at) * 6e4).toISOString();
      moveForm(b, resources, start, under ? under.dataset.resource : b.resource_id);
      setTimeout(() => { e.dragged = false; });
    };
    document.addEventListener("pointermove", moved);
    document.addEventListener("pointerup", up);
    document.addEventListener("pointercancel", up);
  });
}
async function bookForm(resources) {
  const services = await run(() => every(`/v1/staff/venues/${state.venue.id}/services`));
  if (!services) return;
  const now = local(Date.now());
  form(t("book"), [
    field("service", h("select", { name: "service", required: true },
      options(services.filter((s) => s.active).map((s) => [s.id, s.name])))),
    field("resource", h("select", { name: "resource" },
      options([["", t("any")], ...resources.filter((r) => r.active).map((r) => [r.id, r.name])]))),
    field("date", h("input", { name: "date", type: "date", required: true, value: state.date })),
    field("time", h("input", { name: "time", type: "time", required: true, value: now.time })),
    field("party", h("input",
      { name: "party", type: "number", min: "1", max: "1000", value: "1" })),
    field("phone", h("input", { name: "phone", type: "tel", dir: "ltr", autocomplete: "off" })),
    field("name", h("input", { name: "name", maxlength: "120", autocomplete: "off" })),
    field("note", h("input", { name: "note", maxlength: "500" })),
    field("payment", h("select", { name: "payment" }, options([["", t("pay_default")],
      ["link", t("pay_link")], ["on_site", t("pay_on_site")], ["none", t("pay_none")]]))),
    h("label", { class: "row" }, h("input", { name: "force", type: "checkbox" }), t("force")),
  ], "book", async (f) => {
    await post(`/v1/staff/venues/${state.venue.id}/bookings`, {
      service_id: f.service.value,
      starts_at: instant(f.date.value, f.time.value),
      party_size: Number(f.party.value),
      ...(f.resource.value ? { resource_id: f.resource.value } : {}),
      ...(f.phone.value.trim() ? { phone: f.phone.value.trim() } : {}),
      ...(f.name.value.trim() ? { name: f.name.value.trim() } : {}),
      ...(f.note.value.trim() ? { note: f.note.value.trim() } : {}),
      ...(f.payment.value ? { payment: f.payment.value } : {}),
      ...(f.force.checked ? { force: true } : {}),
    }, true);
    show();
  });
}
function blockForm(resources) {
  const now = local(Date.now());
  form(t("block"), [
    field("resource", h("select", { name: "resource" },
      options([["", t("wholeVenue")], ...resources.map((r) => [r.id, r.name])],
        resources[0] && resources[0].id))),
    field("date", h("input", { name: "date", type: "date", required: true, value: state.date })),
    field("time", h("input", { name: "time", type: "time", required: true, value: now.time })),
    field("minutes", h("input", { name: "minutes", type: "number", min: "1", value: "30" })),
    field("reason", h("input", { name: "reason", maxlength: "200" })),
  ], "block", async (f) => {
    const start = instant(f.date.value, f.time.value);
    const r = await post(`/v1/staff/venues/${state.venue.id}/closures`, {
      starts_at: start,
      ends_at: new Date(Date.parse(start) + f.minutes.value * 6e4).toISOString(),
      ...(f.resource.value ? { resource_id: f.resource.value } : {}),
      ...(f.reason.value.trim() ? { reason: f.reason.value.trim() } : {}),
    });
    show();
    if (r.conflicts_total) setTimeout(() => say(t("conflicts", { n: r.conflicts_total }), true));
  });
}
function moveForm(b, resources, start, resource) {
  const at = local(start);
  form(t("move"), [
    h("p", null, personOf(b), " · ", plain(b.service_name)),
    field("date", h("input", { name: "date", type: "date", required: true, value: at.date })),
    field("time", h("input", { name: "time", type: "time", required: true, value: at.time })),
    field("resource", h("select", { name: "resource" }, options(
      [["", t("any")], ...resources.filter((r) => r.active).map((r) => [r.id, r.name])],
      resource))),
    h("label", { class: "row" }, h("input", { name: "force", type: "checkbox" }), t("force")),
  ], "move", async (f) => {
    await ask("POST", `/v1/staff/bookings/${b.id}/reschedule`, {
      starts_at: instant(f.date.value, f.time.value),
      resource_id: f.resource.value || null,
      ...(f.force.checked ? { force: true } : {}),
    }, { "Idempotency-Key": unique(), "If-Match": `"${b.version}"` });
    show();
  });
}
const refundable = (p) => p.status === "paid" || p.status === "partially_refunded";
const leftOf = (p) => p.amount - p.refunded_amount;
// In whole units of the currency, as people type it.
function amountInput(p) {
  const unit = 10 ** digits(p.currency);
  return h("input", {
    name: "amount", type: "number", min: String(1 / unit), max: String(leftOf(p) / unit),
    step: String(1 / unit), value: String(leftOf(p) / unit), required: true, dir: "ltr",
  });
}
const amountOf = (input, p) => Math.round(input.value * 10 ** digits(p.currency));
function refundForm(p, then) {
  form(t("refund"), [
    h("p", null, t("left"), ": ", plain(money(leftOf(p), p.currency))),
    field("amount", amountInput(p)),
  ], "refund", async (f) => {
    const amount = amountOf(f.amount, p);
    await ask("POST", `/v1/staff/payments/${p.id}/refund`, amount === leftOf(p) ? {} : { amount },
      { "Idempotency-Key": unique() });
    then();
  });
}
function cancelForm(b) {
  const paid = b.payments.find((p) => refundable(p) && leftOf(p) > 0);
  const amount = paid && field("amount", amountInput(paid));
  if (amount) amount.hidden = true;
  if (amount) amount.control.disabled = true;
  form(t("cancel"), [
    h("p", null, personOf(b), " · ", when(b.starts_at)),
    field("reason", h("input", { name: "reason", maxlength: "500" })),
    paid ? h("p", null, t("paid"), ": ", plain(money(leftOf(paid), paid.currency))) : null,
    paid ? field("refund", h("select", {
      name: "refund",
      onchange: (e) => {
        amount.hidden = amount.control.disabled = e.target.value !== "part";
      },
    }, options([["full", t("refundFull")], ["none", t("refundNone")],
      ["part", t("refundPart")]]))) : null,
    amount || null,
  ], "cancel", async (f) => {
    const body = f.reason.value.trim() ? { reason: f.reason.value.trim() } : {};
    if (paid)
      body.refund = f.refund.value === "part" ? amountOf(f.amount, paid) : f.refund.value;
    await ask("POST", `/v1/staff/bookings/${b.id}/cancel`, body,
      { "Idempotency-Key": unique(), "If-Match": `"${b.version}"` });
    show();
  });
}
// Opens the booking's payment, or takes the open one, and sends its address to the phone.
async function sendLink(b, close) {
  const r = await post(`/v1/staff/bookings/${b.id}/payment-link`, {}, true);
  close();
  const made = r.payment_link;
  show();
  say(made.payment ? t("linkSent") : t("linkNotSent", { c: made.code }), !made.payment);
}
async function openBooking(id, resources) {
  const b = await run(() => get("/v1/staff/bookings/" + id));
  if (!b) return;
  const live = ["confirmed", "pending_payment"].includes(b.status);
  const begun = Date.parse(b.starts_at) <= Date.now();
  const step = (word, name) => button(word, () => run(async () => {
    await ask("POST", `/v1/staff/bookings/${b.id}/${name}`, {}, { "If-Match": `"${b.version}"` });
    d.close();
    say(t("done"));
    show();
  }), { id: name });
  const then = (work) => () => { d.close(); work(); };
  const named = b.guest_name || (b.customer && b.customer.name);
  const phone = named && b.customer ? b.customer.phone : null;
  const note = [b.note, b.staff_note].filter(Boolean).join(" · ");
  const list = [["status", status(b.status)],
    ["time", `${when(b.starts_at)} – ${clock(b.ends_at)}`],
    ["customer", h("span", null, personOf(b), " ", plain(phone))],
    ["service", plain(b.service_name)], ["resource", plain(b.resource_name)],
    ["party", String(b.party_size)], ["amount", money(b.amount, b.currency)],
    ...(note ? [["note", plain(note)]] : [])];
  const d = dialog(t("booking"), [
    h("dl", null, list.map(([k, v]) => [h("dt", null, t(k)), h("dd", null, v)])),
    acts() ? h("div", { class: "bar" },
      live ? button("move", then(() => moveForm(b, resources, b.starts_at, b.resource_id)),
        { id: "move" }) : null,
      live ? button("cancel", then(() => cancelForm(b)), { class: "bad", id: "cancel" }) : null,
      b.status === "pending_payment" && b.customer
        ? button("sendLink", () => run(() => sendLink(b, () => d.close())), { id: "send-link" })
        : null,
      b.status === "confirmed" && begun ? step("complete", "complete") : null,
      b.status === "confirmed" && begun ? step("noShow", "no-show") : null,
      b.status === "completed" || b.status === "no_show" ? step("reopen", "reopen") : null) : null,
    table(t("history"), [t("at"), t("status"), t("who"), t("reason")], b.history.map((x) =>
      [when(x.at), status(x.to), actorOf(x.actor), plain(x.reason)])),
    b.payments.length ? table(t("payments"), [t("status"), t("amount"), t("refund"),
      ...(acts() ? [t("action")] : [])], b.payments.map((p) => [
      status(p.status), money(p.amount, p.currency),
      p.refunded_amount ? money(p.refunded_amount, p.currency) : "",
      ...(acts() ? [refundable(p) && leftOf(p) > 0
        ? button("refund", then(() => refundForm(p, show)), { class: "refund-payment" }) : ""]
        : [])])) : null,
    b.notifications.length ? table(t("template"), [t("template"), t("status"), t("error")],
      b.notifications.map((n) => [plain(n.template), status(n.status), plain(n.error_code)]))
      : null,
  ]);
}

// ---- customers ----
async function customers() {
  const place = h("div");
  const input = h("input", { name: "q", type: "search", autocomplete: "off" });
  async function search() {
    const page = await get("/v1/staff/customers?" + query({ q: input.value.trim(), limit: 50 }));
    place.replaceChildren(table(t("customers"),
      [t("name"), t("tel"), t("status"), t("action")],
      page.items.map((c) => [plain(c.name), plain(c.phone), c.blocked ? t("blocked") : "",
        button("open", () => openCustomer(c.id, search),
          { class: "open-customer", "aria-label": `${t("open")} ${c.name || c.phone}` })])));
  }
  await search();
  return [h("form", {
    class: "bar", role: "search", onsubmit: (e) => { e.preventDefault(); run(search); },
  }, field("search", input), h("button", { type: "submit", class: "main" }, t("find"))), place];
}
async function openCustomer(id, again) {
  const c = await run(() => get("/v1/staff/customers/" + id));
  if (!c) return;
  const patch = (body) => run(async () => {
    await ask("PATCH", "/v1/staff/customers/" + id, body);
    d.close();
    say(t("done"));
    run(again);
  });
  const note = h("input", { name: "note", maxlength: "500", value: c.note || "" });
  const d = dialog(c.name || c.phone, [
    h("dl", null, [["tel", plain(c.phone)], ["s_completed", String(c.counts.completed)],
      ["s_cancelled", String(c.counts.cancelled)], ["s_no_show", String(c.counts.no_show)]]
      .map(([k, v]) => [h("dt", null, t(k)), h("dd", null, v)])),
    acts() ? h("form", {
      onsubmit: (e) => { e.preventDefault(); patch({ note: note.value.trim() || null }); },
    }, field("note", note), h("button", { type: "submit" }, t("save")))
      : h("p", null, c.note || ""),
    acts() ? button(c.blocked ? "unblockCustomer" : "blockCustomer",
      () => patch({ blocked: !c.blocked }), { class: c.blocked ? "" : "bad", id: "block-customer" })
      : null,
    table(t("history"), [t("time"), t("status"), t("service")], c.bookings.map((b) =>
      [when(b.starts_at), status(b.status), plain(b.service_name)])),
  ]);
}

// ---- payments that need a person ----
async function payments() {
  const venue = state.venue ? { venue_id: state.venue.id } : {};
  const pages = await Promise.all(["unknown", "mismatch", "paid"].map((s) =>
    every("/v1/staff/payments?" + query({ ...venue, status: s }))));
  const rows = [...pages[0], ...pages[1], ...pages[2].filter((p) => p.surplus)];
  const act = (word, p, body, text) => button(word, () => confirm(t(word), text, async () => {
    await ask("POST", `/v1/staff/payments/${p.id}/${word}`, body, { "Idempotency-Key": unique() });
    show();
  }), { class: word, "aria-label": `${t(word)} ${p.service_name} ${when(p.starts_at)}` });
  return [table(t("person"), [t("status"), t("service"), t("time"), t("amount"),
    ...(acts() ? [t("action")] : [])], rows.map((p) => {
    const other = p.paid_amount !== null && p.paid_amount !== undefined && p.paid_currency;
    const sum = other ? t("paidOf", {
      p: money(p.paid_amount, p.paid_currency), d: money(p.amount, p.currency),
    }) : money(p.amount, p.currency);
    const cells = [p.surplus ? t("surplus") : status(p.status), plain(p.service_name),
      when(p.starts_at), sum];
    if (!acts()) return cells;
    return [...cells, h("span", null,
      p.status === "mismatch" ? act("accept", p, undefined, sum) : null,
      p.status === "mismatch" || p.surplus ? act("refund", p, {}, sum) : null,
      button("open", () => openBooking(p.booking_id, []), {
        "aria-label": `${t("open")} ${p.service_name} ${when(p.starts_at)}`,
      }))];
  }))];
}

// ---- providers, audit ----
async function providers() {
  const items = await every("/v1/staff/providers");
  return [table(t("providers"), [t("name"), t("circuit"), t("inFlight"), t("lastFault")],
    items.map((p) => [plain(p.name),
      h("span", { class: p.circuit === "closed" ? "good" : "bad" }, status(p.circuit)),
      `${p.in_flight} / ${p.max_concurrent}`,
      plain(p.last_fault ? `${p.last_fault}, ${when(p.last_fault_at)}` : "")]))];
}
async function audit() {
  const heads = ["at", "who", "action", "subject", "detail"].map((x) => t(x));
  const place = h("tbody", { role: "rowgroup" });
  const next = button("more", () => run(more));
  let after = "";
  async function more() {
    const page = await get("/v1/staff/audit?limit=50" + after);
    place.append(...page.items.map((a) => row(heads, [when(a.at), plain(a.actor),
      plain(a.action), plain(a.subject), plain(a.detail ? JSON.stringify(a.detail) : "")])));
    after = page.next ? "&after=" + encodeURIComponent(page.next) : "";
    next.hidden = !page.next;
  }
  await more();
  return [grid(t("audit"), heads, place), next];
}

// ---- begin ----
setLanguage();
const code = new URLSearchParams(location.hash.slice(1)).get("link");
if (code) startByLink(code);
else if (state.key) start();
else signInPage();
