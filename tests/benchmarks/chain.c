/* The four-parameter chain, trained sample by sample: what a compiler makes of the mathematics written out by hand. */
#include <math.h>

static double sigmoid(double a) { return 1.0 / (1.0 + exp(-a)); }

/* One pass over the samples; parameters are w1, b1, w2, w3; losses gets the loss of each step before its update. */
void epoch(const double *x, const double *y, long samples, double rate, double *parameters, double *losses)
{
    double w1 = parameters[0], b1 = parameters[1], w2 = parameters[2], w3 = parameters[3];
    for (long i = 0; i < samples; i++) {
        double f1 = sigmoid(w1 * x[i] + b1), f2 = sigmoid(w2 * f1), f3 = sigmoid(w3 * f2);
        double difference = f3 - y[i];
        losses[i] = 0.5 * difference * difference;
        double d_a3 = difference * f3 * (1.0 - f3);
        double d_a2 = d_a3 * w3 * f2 * (1.0 - f2);
        double d_a1 = d_a2 * w2 * f1 * (1.0 - f1);
        w1 -= rate * d_a1 * x[i];
        b1 -= rate * d_a1;
        w2 -= rate * d_a2 * f1;
        w3 -= rate * d_a3 * f2;
    }
    parameters[0] = w1, parameters[1] = b1, parameters[2] = w2, parameters[3] = w3;
}
