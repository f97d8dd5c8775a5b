/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/forecast.h"

#include <string.h>

#include "plan/round.h"

#define SLOTS          32
#define RESAMPLES      200
#define RESAMPLES_TRY  40 /* along the trace: thousands of them */
#define SLOTS_PER_TRY  (SLOTS / 2)
#define FLOOR_SHARE    100 /* 1 % of the memory: nothing gets on with less */
/* Further ahead a slope of minutes says nothing. In units of the window. */
#define HORIZON_FACTOR 3

static_assert(SLOTS <= SLOPE_POINTS_MAX, "a window fits");

void forecast_init(Forecast *f) {
        static const uint64_t minutes[FORECAST_WINDOWS] = { 10, 60, 360, 1440 };

        memset(f, 0, sizeof(*f));
        for (uint32_t i = 0; i < FORECAST_WINDOWS; i++)
                f->windows[i].span_usec = minutes[i] * 60 * USEC_PER_SEC;
}

void forecast_break(Forecast *f) {
        for (uint32_t i = 0; i < FORECAST_WINDOWS; i++) {
                ForecastWindow *w = &f->windows[i];
                w->n = 0;
                w->slots_since_try = 0;
                memset(w->tries, 0, sizeof(w->tries));
        }
}

/* When the line falls to the floor, from @now on; false where it does not within the horizon, or not surely. */
static bool exhaustion_of(const Slope *s, double headroom, double floor, double horizon_sec, double *ret_sec) {
        if (s->high >= 0 || s->slope >= 0)
                return false;
        double sec = headroom > floor ? (headroom - floor) / -s->slope : 0;
        if (sec > horizon_sec)
                return false;
        *ret_sec = sec;
        return true;
}

static void try_close(ForecastWindow *w, ForecastTry *t, uint64_t headroom_bytes) {
        ForecastRecord *r = &w->record;
        double error = t->predicted_bytes - (double)headroom_bytes;

        r->n++;
        r->sum_error_bytes += error;
        r->sum_abs_bytes += error < 0 ? -error : error;
        if (t->says_exhausted && t->was_exhausted) {
                double late = (double)t->exhausted_usec - (double)t->was_usec;
                r->n_hits++;
                r->sum_abs_time_usec += late < 0 ? -late : late;
        } else if (t->says_exhausted)
                r->n_false++;
        else if (t->was_exhausted)
                r->n_missed++;
        t->is_open = false;
}

static void tries_follow(Forecast *f, ForecastWindow *w, uint64_t now_usec, uint64_t headroom_bytes) {
        for (uint32_t i = 0; i < FORECAST_OPEN; i++) {
                ForecastTry *t = &w->tries[i];
                if (!t->is_open)
                        continue;
                if (!t->was_exhausted && headroom_bytes <= f->floor_bytes) {
                        t->was_exhausted = true;
                        t->was_usec = now_usec;
                }
                if (now_usec >= t->until_usec)
                        try_close(w, t, headroom_bytes);
        }
}

static void try_open(Forecast *f, ForecastWindow *w, uint64_t now_usec, uint64_t headroom_bytes) {
        double window_sec = (double)w->span_usec / 1e6, sec;
        Slope s;

        /* It is exhausted: there is nothing to foretell. */
        if (headroom_bytes <= f->floor_bytes || !slope_fit(w->points, w->n, RESAMPLES_TRY, &s))
                return;
        for (uint32_t i = 0; i < FORECAST_OPEN; i++) {
                ForecastTry *t = &w->tries[i];
                if (t->is_open)
                        continue;
                *t = (ForecastTry){ .is_open = true, .at_usec = now_usec, .until_usec = u64_add_sat(now_usec, w->span_usec) };
                double predicted = (double)headroom_bytes + s.slope * window_sec;
                t->predicted_bytes = predicted > 0 ? predicted : 0;
                t->says_exhausted =
                        exhaustion_of(&s, (double)headroom_bytes, (double)f->floor_bytes, window_sec, &sec);
                if (t->says_exhausted)
                        t->exhausted_usec = u64_add_sat(now_usec, u64_of_double(sec * 1e6));
                return;
        }
}

static void window_add(Forecast *f, ForecastWindow *w, uint64_t now_usec, uint64_t headroom_bytes) {
        uint64_t slot = now_usec / (w->span_usec / SLOTS);
        SlopePoint point = { (double)now_usec / 1e6, (double)headroom_bytes };

        tries_follow(f, w, now_usec, headroom_bytes);
        if (w->n > 0 && slot == w->slot) {
                if (point.y < w->points[w->n - 1].y)
                        w->points[w->n - 1] = point;
                return;
        }
        if (w->n == SLOTS && ++w->slots_since_try >= SLOTS_PER_TRY) {
                w->slots_since_try = 0;
                try_open(f, w, now_usec, headroom_bytes);
        }
        if (w->n == SLOTS) {
                memmove(w->points, w->points + 1, (SLOTS - 1) * sizeof(SlopePoint));
                w->n--;
        }
        w->points[w->n++] = point;
        w->slot = slot;
}

void forecast_add(Forecast *f, uint64_t axis_usec, uint64_t headroom_bytes, uint64_t total_bytes) {
        f->floor_bytes = total_bytes / FLOOR_SHARE;
        f->latest_usec = axis_usec;
        f->latest_bytes = headroom_bytes;
        for (uint32_t i = 0; i < FORECAST_WINDOWS; i++)
                window_add(f, &f->windows[i], axis_usec, headroom_bytes);
}

void forecast_window(const Forecast *f, uint32_t window, ForecastResult *ret) {
        const ForecastWindow *w = &f->windows[window];
        ForecastResult r = { .span_usec = w->span_usec, .n = w->n };
        double headroom = (double)f->latest_bytes, floor = (double)f->floor_bytes, sec;

        /* Half a window says nothing about a window. */
        r.has_slope = w->n >= SLOTS / 2 && slope_fit(w->points, w->n, RESAMPLES, &r.slope);
        if (r.has_slope &&
            exhaustion_of(&r.slope, headroom, floor, (double)w->span_usec / 1e6 * HORIZON_FACTOR, &sec)) {
                double room = headroom > floor ? headroom - floor : 0;
                r.is_exhausting = true;
                r.exhausted_usec = u64_of_double(sec * 1e6);
                r.low_usec = u64_of_double(room / -r.slope.low * 1e6);
                /* Nearly level: further away than can be said. */
                r.high_usec = u64_of_double(room / -r.slope.high * 1e6);
        }
        *ret = r;
}

bool forecast_earliest(const Forecast *f, ForecastResult *ret) {
        bool found = false;

        for (uint32_t i = 0; i < FORECAST_WINDOWS; i++) {
                ForecastResult r;
                forecast_window(f, i, &r);
                if (r.is_exhausting && (!found || r.exhausted_usec < ret->exhausted_usec)) {
                        *ret = r;
                        found = true;
                }
        }
        return found;
}
