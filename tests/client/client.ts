// SPDX-License-Identifier: Apache-2.0
// Copyright the bookingd authors
// A front end in small: signs in, looks for a time, books, moves and cancels over types that were
// generated from the API document. Arguments: base URL, service, phone, and a URL that tells the
// code of the last message. Prints one JSON object for the test.
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi.js";

declare const process: { argv: string[] };
const [base = "", service = "", phone = "", codes = ""] = process.argv.slice(2);

type Schemas = components["schemas"];
// Nothing is required of an input only because it has a default.
const venue: Schemas["VenueInput"] = { name: "Palm", time_zone: "Asia/Riyadh", currency: "SAR" };
const order: Schemas["BookingRequest"] = { service_id: service, starts_at: "2027-01-10T09:00:00Z" };
const patch: Schemas["ServicePatch"] = { price: 6000, slot_step_minutes: null };
// @ts-expect-error a booking has no start of its own
const unfinished: Schemas["BookingRequest"] = { service_id: service };
// What is always answered is not optional.
const always = (b: Schemas["Booking"], v: Schemas["Venue"], s: Schemas["Service"]): string[] => [
  b.service_name, b.resource_name, b.venue_name, b.free_cancellation_until, b.payment,
  v.time_zone, String(v.active), s.payment, String(s.price),
];

const anonymous = createClient<paths>({ baseUrl: base });

async function signIn(): Promise<string> {
  const sent = await anonymous.POST("/v1/otp", { body: { phone, locale: "en" } });
  if (!sent.data) throw new Error(sent.error.code);
  const { code } = (await (await fetch(codes)).json()) as { code: string };
  const path = { otp_id: sent.data.id };
  const wrong = code === "000000" ? "000001" : "000000";
  const refused = await anonymous.POST("/v1/otp/{otp_id}/verify", {
    params: { path }, body: { code: wrong },
  });
  if (refused.error?.code !== "otp_incorrect" || refused.error.attempts_left === undefined)
    throw new Error("a wrong code was not refused");
  const session = await anonymous.POST("/v1/otp/{otp_id}/verify", { params: { path }, body: { code } });
  if (!session.data) throw new Error(session.error.code);
  return session.data.token;
}

async function run(): Promise<object> {
  const token = await signIn();
  const client = createClient<paths>({
    baseUrl: base,
    headers: { Authorization: `Bearer ${token}`, "Accept-Language": "en" },
  });
  const slots = await client.GET("/v1/services/{service_id}/slots", {
    params: { path: { service_id: service }, query: { limit: 3 } },
  });
  const [first, second] = slots.data?.items ?? [];
  if (!first || !second) throw new Error("no slots");

  const header = { "Idempotency-Key": "client-1" };
  const booked = await client.POST("/v1/bookings", {
    params: { header },
    body: { service_id: service, starts_at: first.starts_at },
  });
  if (!booked.data) throw new Error(booked.error.code);
  const again = await client.POST("/v1/bookings", {
    body: { service_id: service, starts_at: first.starts_at },
  });
  // @ts-expect-error the code of another operation
  if (again.error?.code === "venue_in_use") throw new Error("venue_in_use");
  if (again.error?.code !== "slot_taken") throw new Error("a taken place was sold");

  const path = { booking_id: booked.data.id };
  const tag = { "If-Match": `"${booked.data.version}"` };
  const moved = await client.POST("/v1/bookings/{booking_id}/reschedule", {
    params: { path, header: tag }, body: { starts_at: second.starts_at },
  });
  if (!moved.data) throw new Error(moved.error.code);
  const stale = await client.POST("/v1/bookings/{booking_id}/cancel", {
    params: { path, header: tag }, body: {},
  });
  if (stale.error?.code !== "version_mismatch") throw new Error("an old version was changed");
  const cancelled = await client.POST("/v1/bookings/{booking_id}/cancel", {
    params: { path }, body: { reason: "test" },
  });
  if (!cancelled.data) throw new Error(cancelled.error.code);
  const stranger = await anonymous.GET("/v1/bookings/{booking_id}", { params: { path } });
  if (stranger.error?.code !== "unauthorized") throw new Error("a stranger read it");
  const { status, reason, starts_at, service_name } = cancelled.data;
  return { status, reason, moved: starts_at === second.starts_at, service_name };
}

void [venue, order, patch, unfinished, always];
console.log(JSON.stringify(await run()));
