/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * When will the headroom be gone? A slope over each of several windows; the earliest exhaustion counts, none where the
 * interval of the slope holds zero or growth. And how good that is: the same forecast is made again and again along
 * the trace, with what was known then, and compared with what followed.
 */

#include "base/macros.h"
#include "plan/slope.h"

#define FORECAST_WINDOWS 4
#define FORECAST_OPEN    4

typedef struct ForecastTry {
        bool is_open;
        uint64_t at_usec, until_usec;   /* on the axis */
        double predicted_bytes;         /* headroom at until_usec */
        bool says_exhausted;            /* before until_usec */
        uint64_t exhausted_usec;
        bool was_exhausted;             /* the headroom really fell below the floor, when first */
        uint64_t was_usec;
} ForecastTry;

/* How forecasts over one window have fared on this trace. A horizon is as long as the window. */
typedef struct ForecastRecord {
        uint64_t n;                     /* forecasts that could be compared */
        uint64_t n_hits, n_false, n_missed; /* of exhaustion within the horizon */
        double sum_error_bytes, sum_abs_bytes; /* predicted - real headroom at the horizon */
        double sum_abs_time_usec;       /* of the hits */
} ForecastRecord;

typedef struct ForecastWindow {
        uint64_t span_usec;
        SlopePoint points[SLOPE_POINTS_MAX]; /* least headroom of each slot; x in seconds */
        uint32_t n;
        uint64_t slot, slots_since_try;
        ForecastTry tries[FORECAST_OPEN];
        ForecastRecord record;
} ForecastWindow;

typedef struct Forecast {
        uint64_t floor_bytes;           /* headroom that counts as exhausted */
        uint64_t latest_usec, latest_bytes;
        ForecastWindow windows[FORECAST_WINDOWS];
} Forecast;

typedef struct ForecastResult {
        bool has_slope;                 /* there were enough points in the window */
        bool is_exhausting;
        uint64_t span_usec;
        uint32_t n;
        Slope slope;                    /* bytes per second */
        uint64_t exhausted_usec;        /* from the last sample on; with is_exhausting only, as its interval */
        uint64_t low_usec, high_usec;
} ForecastResult;

void forecast_init(Forecast *f);
/* Headroom at @axis_usec, of a host with so much memory: the floor is 1 % of it. */
void forecast_add(Forecast *f, uint64_t axis_usec, uint64_t headroom_bytes, uint64_t total_bytes);
/* After a gap: the windows begin anew, open tries are dropped. */
void forecast_break(Forecast *f);
void forecast_window(const Forecast *f, uint32_t window, ForecastResult *ret);
/* The earliest of all windows; false for none. */
bool forecast_earliest(const Forecast *f, ForecastResult *ret);
