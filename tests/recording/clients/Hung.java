import java.net.ServerSocket;

/** A Java program that listens as a Gateway does, with Java's default backlog, and never accepts: PORT. */
class Hung {
    public static void main(String[] arguments) throws Exception {
        try (ServerSocket listener = new ServerSocket(Integer.parseInt(arguments[0]))) {
            System.out.println("listening on " + listener.getLocalSocketAddress());
            Thread.sleep(Long.MAX_VALUE);
        }
    }
}
